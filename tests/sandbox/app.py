"""The Chat app behind the API: what is to become of each request, decided without sockets, threads or a clock.

Whoever drives it (the HTTP server here, or a simulator with a time of its own) calls `receive` when a request arrives,
`apply` once `course.apply_after_s` has passed, if that is a number, and `reply` once `course.reply_after_s` has passed.
Where the reply is due first, it is the end of a connection without an answer, and the request lands later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import RLock

from tests.sandbox.admission import Call, Credentials, RateLimit, Reading, admit, read
from tests.sandbox.codes import OK, RefusalError
from tests.sandbox.commands import Command, Update
from tests.sandbox.counters import Groups
from tests.sandbox.faults import Course, Fault, course
from tests.sandbox.journal import Entry, Journal, State
from tests.sandbox.plans import Plan
from tests.sandbox.replies import Reply, Result, reply_to
from tests.sandbox.signatures import Signature
from tests.sandbox.violations import Violations


@dataclass(frozen=True, slots=True)
class Handling:
    """What is to become of one request. `result` is known from the start for one that the API refuses."""

    sequence: int
    fault: Fault | None
    course: Course
    result: Result | None
    signature: Signature | None
    command: Command | None
    lag_s: float


class ChatApp:
    """One app of the vendor's: its keys and admins, its groups, the faults to come and the journal.

    `apply_lag_s` is the time that the API takes from checking a signature to applying the request. The methods may be
    called from several threads; who uses `groups`, `plan`, `rate` or `journal` directly holds `lock` meanwhile.
    """

    def __init__(
        self,
        *,
        sdkappid: int,
        keys: tuple[str, ...],
        admins: tuple[str, ...] = ("administrator",),
        rate_limit: int | None = 200,
        apply_lag_s: float = 0.0,
    ) -> None:
        self._start = (Credentials(sdkappid, keys, admins), rate_limit, apply_lag_s)
        self.lock = RLock()
        self.journal = Journal()
        self.plan = Plan()
        self.reset()

    def reset(self) -> None:
        """Back to the start: no groups, no faults, no journal, and the keys, limit and lag that it was made with."""
        with self.lock:
            self.credentials, rate_limit, self.apply_lag_s = self._start
            self.rate = RateLimit(rate_limit)
            self.groups = Groups()
            self.violations = Violations()
            self.plan.clear()
            self.journal.clear()

    def replace_keys(self, keys: Sequence[str]) -> None:
        with self.lock:
            self.credentials = replace(self.credentials, keys=tuple(keys))

    def receive(self, call: Call, now: float) -> Handling:
        """Check a request that arrives and choose its fault."""
        with self.lock:
            reading = read(call)
            fault = self.plan.choose(call.name, reading.group)
            handling = self._handling(reading, fault, now)
            self.journal.add(_entry(handling, reading, now))
            return handling

    def apply(self, handling: Handling, now: float) -> Result:
        """Carry a request out, whole or not at all; `ValueError` for one that its course keeps from being applied."""
        if handling.command is None or handling.course.apply_after_s is None:
            raise ValueError("this request is not to be applied")
        with self.lock:
            result = self._outcome(handling, handling.command, now)
            self.journal.settle(handling.sequence, result.code, result.counters, now)
            return result

    def cancel(self, handling: Handling) -> None:
        """Give up a request that was to be applied later."""
        with self.lock:
            self.journal.lose(handling.sequence)

    def reply(self, handling: Handling, result: Result | None, now: float) -> Reply:
        """The end of the connection: what goes out, given what the API made of the request, if anything."""
        reply = reply_to(result, handling.fault)
        with self.lock:
            self.journal.end(handling.sequence, reply.code, now)
        return reply

    def _handling(self, reading: Reading, fault: Fault | None, now: float) -> Handling:
        result: Result | None = None
        signature: Signature | None = None
        command: Command | None = None
        if fault is None or not fault.unheard:
            try:
                signature, command = admit(reading, self.credentials, self.rate, now, self.violations)
            except RefusalError as refusal:
                result = Result(refusal.code, refusal.info)
        return Handling(
            sequence=self.journal.next_sequence(),
            fault=fault,
            course=course(fault, refused=result is not None, lag_s=self.apply_lag_s),
            result=result,
            signature=signature,
            command=command,
            lag_s=self.apply_lag_s,
        )

    def _outcome(self, handling: Handling, command: Command, now: float) -> Result:
        try:
            _recheck(handling, now)
            return Result(OK, "", self.violations.run(self.groups, command, now))
        except RefusalError as refusal:
            return Result(refusal.code, refusal.info)


def _recheck(handling: Handling, now: float) -> None:
    if handling.fault is None or not handling.fault.recheck or handling.signature is None:
        return
    # The API takes its lag after the second check as it does after the first, so the check lies that much earlier.
    if handling.signature.expired(now - handling.lag_s):
        raise RefusalError(70001)


def _entry(handling: Handling, reading: Reading, now: float) -> Entry:
    command = None if isinstance(reading.command, RefusalError) else reading.command
    signature = None if isinstance(reading.signature, RefusalError) else reading.signature
    return Entry(
        sequence=handling.sequence,
        received_at=now,
        command=reading.name,
        group=reading.group,
        mode=command.mode if isinstance(command, Update) else None,
        counters=command.counters if isinstance(command, Update) else {},
        keys=() if command is None or isinstance(command, Update) else command.keys,
        random=reading.random,
        signed_at=None if signature is None else signature.time,
        life_s=None if signature is None else signature.expire,
        fault=handling.fault,
        state=_first_state(handling),
        code=None if handling.result is None else handling.result.code,
    )


def _first_state(handling: Handling) -> State:
    if handling.result is not None:
        return "refused"
    return "lost" if handling.course.apply_after_s is None else "waiting"
