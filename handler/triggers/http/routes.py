"""The routes, and what they work with: each authenticates, reads its input, calls the core and replies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from handler.core.errors import BadInput
from handler.core.model.operation import Operation, operation_id
from handler.core.model.outcome import Applied, Outcome, Rejected
from handler.core.model.payload import check_group_id, read_payload
from handler.core.model.rights import check
from handler.core.ports.system import Notice
from handler.core.runtime.instance import TimeBudget
from handler.triggers.context import NOTE, REPLY_MARGIN_S, AppContext
from handler.triggers.http import headers, responses
from handler.triggers.http.auth import Authenticator, Identity
from handler.triggers.http.request import Request
from handler.triggers.http.responses import Reply
from handler.triggers.idempotency_key import HEADER, read_key
from handler.triggers.invocation import Invocation
from handler.triggers.parsing import read_json
from handler.version import VERSION

# A GET helps an operation on for at most so long.
ASK_WAIT_S = 1.0

# A key may be a secret of its caller's business: log lines have so much of its SHA-256.
KEY_HASH_CHARACTERS = 16


# Anyone may ask for the health, and each look at the ledger costs.
HEALTH_KEPT_S = 5.0


class Health(msgspec.Struct):
    """The last good look of this instance: until which moment of the monotonic clock it is believed."""

    good_until: float = float("-inf")

    @contextmanager
    def ends_with(self, *failures: type[Exception]) -> Iterator[None]:
        """Believe the look no more once any request has failed in one of these ways."""
        try:
            yield
        except failures:
            self.good_until = float("-inf")
            raise


class HttpContext(msgspec.Struct, frozen=True):
    """The app, and the settings that only HTTP has: who may call, and what shapes the replies."""

    app: AppContext
    authenticator: Authenticator
    wait_s: float
    base_path: str
    docs: bool
    origins: frozenset[str] = frozenset()
    """Where pages in a browser may call from."""
    health: Health = msgspec.field(default_factory=Health)

    def budget(self, invocation: Invocation, wait_s: float) -> TimeBudget:
        """Wait for `wait_s` seconds from now at most, and for less where the invocation ends before."""
        until = self.app.instance.clock.monotonic() + wait_s
        return TimeBudget(
            until=min(until, invocation.deadline - REPLY_MARGIN_S), deadline=invocation.deadline, sheds=True
        )


class Exchange(msgspec.Struct, frozen=True):
    """One request and what answers it. The caller is checked before what it sent."""

    request: Request
    invocation: Invocation
    context: HttpContext

    def update(self) -> Reply:
        """Apply one operation, and wait for its answer as long as the caller does."""
        identity = self.context.authenticator.identify(self.request)
        operation = self._operation(identity)
        self._name(operation.group_id, identity.caller, operation.key, operation.id)
        check(identity.rights.may, "caller", operation.mode, operation.group_id, operation.counters)
        self._take_turn(identity)
        wait_s = headers.read_wait_s(self.request.headers.get("prefer", ""), self.context.wait_s)
        if wait_s > 0:
            self.context.app.check_limits(self.invocation)
        budget = self.context.budget(self.invocation, wait_s)
        (outcome,) = self.context.app.counters().apply(operation.group_id, [operation], budget)
        location = self._beside("operations?" + headers.location(operation.group_id, operation.key))
        self._report(outcome)
        return responses.of_outcome(outcome, location)

    def operation(self) -> Reply:
        """Show what became of an operation of this caller."""
        identity = self.context.authenticator.identify(self.request)
        group_id, caller = self._group_id(), identity.caller
        key = read_key(self.request.query.get("IdempotencyKey"), "IdempotencyKey")
        self._name(group_id, caller, key, operation_id(caller, key))
        identity.rights.check_read(group_id)
        self._take_turn(identity)
        budget = self.context.budget(self.invocation, min(ASK_WAIT_S, self.context.wait_s))
        outcome = self.context.app.counters().ask(group_id, caller, key, budget)
        if outcome is None:
            return responses.NO_SUCH_OPERATION.reply("this caller has no operation with this key on this group")
        return responses.of_state(outcome)

    def health(self) -> Reply:
        """Show that the settings are good, and that the secret and the ledger can be read, or could a moment ago."""
        now, known = self.context.app.instance.clock.monotonic(), self.context.health
        if now >= known.good_until:
            # A read that no ledger answers from memory.
            self.context.app.notes.noted(self.context.app.sdkappid, NOTE)
            known.good_until = now + HEALTH_KEPT_S
        return Reply(200, {"status": "ok", "version": VERSION})

    def document(self) -> Reply:
        """Show the contract as an OpenAPI document, which `make openapi` has put beside this module."""
        text = Path(__file__).with_name("openapi.json").read_bytes()
        return Reply(200, msgspec.json.decode(text))

    def _operation(self, identity: Identity) -> Operation:
        body = self.request.body()
        key = headers.agreed_key(self.request.headers.get(HEADER.lower()), identity.signed_key)
        payload = read_payload(read_json(body, "body"), self.context.app.instance.rules.receipt_key)
        return Operation(
            group_id=payload.group_id,
            mode=payload.mode,
            counters=payload.counters,
            caller=identity.caller,
            key=key,
            window_s=self.context.app.window_s,
        )

    def _take_turn(self, identity: Identity) -> None:
        """Take one of the caller's own requests per second, if its number is bounded."""
        app, rate = self.context.app, identity.rights.calls_per_second
        if rate is not None:
            app.instance.quotas.take(app.sdkappid, identity.caller, rate)

    def _name(self, group_id: str, caller: str, key: str, operation: str) -> None:
        """Have every further line of the invocation say whose operation it is about."""
        digest = hashlib.sha256(key.encode()).hexdigest()[:KEY_HASH_CHARACTERS]
        self.context.app.instance.reporter.bind(group=group_id, operation=operation, caller=caller, key_hash=digest)

    def _report(self, outcome: Outcome) -> None:
        """Have one line say what became of the operation, whichever worker has settled and counted it.

        The core reports an outcome of any other kind for each operation that has it.
        """
        reporter = self.context.app.instance.reporter
        if isinstance(outcome, Applied) and not outcome.replayed:
            reporter.report(Notice.APPLIED, 0)
        elif isinstance(outcome, Rejected) and not outcome.replayed:
            reporter.report(Notice.REJECTED, 0, code=outcome.code)

    def _group_id(self) -> str:
        group_id = self.request.query.get("GroupId")
        if not group_id:
            raise BadInput("GroupId", "is missing")
        check_group_id(group_id)
        return group_id

    def _beside(self, reference: str) -> str:
        """A reference relative to the request's path, which may end in slashes on some platforms."""
        path = self.request.path
        return "../" * (len(path) - len(path.rstrip("/"))) + reference


class Route(msgspec.Struct, frozen=True):
    """A method and a path, without stage and base path, and the function that serves them."""

    method: str
    path: str
    serve: Callable[[Exchange], Reply]


ROUTES = (
    Route("POST", "/v1/update_group_counter", Exchange.update),
    Route("GET", "/v1/operations", Exchange.operation),
    Route("GET", "/v1/health", Exchange.health),
)

# Served where DOCS is on, beside those of the contract.
DOCUMENT = Route("GET", "/openapi.json", Exchange.document)
