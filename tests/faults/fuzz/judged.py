"""Whole events through the real entry points with rights on, and what has to be true of what comes of them.

Nothing is accepted and nothing answered that rights forbid. Each reply is JSON of the contract; errors are ours, and
none is a mistake; each line of the log is whole; no secret, no pattern is shown. The seed decides all events, and the
first one with a wrong outcome ends the run; `python -m tests.faults.fuzz.judged --events 540000` makes the long one.
"""

import argparse
import base64
import io
import json
import random
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest
from msgspec.structs import replace

from handler import bootstrap, main
from handler.core.errors import CounterError
from handler.core.model.operation import Operation, Origin
from handler.core.model.placed import Placed
from handler.core.protocol.engine import ExactlyOnce
from handler.telemetry import Reports
from handler.triggers.context import AppContext
from handler.triggers.http.auth import Authenticator, Bearer, Platform
from handler.triggers.http.routes import HttpContext
from handler.triggers.http.webhook_signature import Signature
from handler.triggers.timer.tick import CALLER as SCHEDULE
from handler.vault.secret import parse
from layers.openapi.problems import NAMES
from tests.faults.fuzz.events import ENTRIES, GROUPS, MARK, MODES, SECRET, SOURCES, Event, Events, Made
from tests.sandbox.contexts import lambda_context, scf_context
from tests.unit.triggers.stage import Stage, Told

LEAKS: Final = re.compile(f"{MARK}|{base64.b64encode(MARK.encode()).decode()}")
SLOWEST_S: Final = 2.0

EVENTS_EACH: Final = 250
"""So many events meet one instance, before a new one comes with an empty ledger."""


class Judge:
    """What the secret allows, read from its JSON by regular expressions and not by the function's own code."""

    entry: Event | None = None
    """Whose proof the present event carries, where that is certain."""

    def may_apply(self, operation: Operation) -> bool:
        """Whether rights cover an operation that is about to be accepted."""
        if operation.caller == SCHEDULE:
            return True
        source = operation.origin.source if operation.origin else None
        listed = SOURCES.get(source or "", {})
        if (
            source is not None
            and source != operation.caller
            and operation.caller not in listed.get("callers", [operation.caller])
        ):
            return False
        grants = [listed.get("may"), SOURCES.get(operation.caller, {}).get("may") if source else None]
        return all(_covers(may, operation) for may in grants) and any(
            _covers(entry.get("may"), operation) for entry in self._entries(operation.caller, by_proof=source is None)
        )

    def may_ask(self, caller: str, group_id: str) -> bool:
        """Whether a caller may ask after its operations on a group."""
        return any(
            "read" not in entry or _is_like(group_id, entry["read"]) for entry in self._entries(caller, by_proof=True)
        )

    def _entries(self, caller: str, *, by_proof: bool) -> list[Event]:
        if by_proof and self.entry is not None:
            return [self.entry] if self.entry["name"] == caller and "not_after" not in self.entry else []
        listed = [entry for entry in ENTRIES if entry["name"] == caller]
        return [entry for entry in listed if "not_after" not in entry] if listed else [{}]


def _covers(may: Sequence[Event] | None, operation: Operation) -> bool:
    return may is None or any(
        operation.mode.value in grant.get("modes", MODES)
        and _is_like(operation.group_id, grant.get("groups", ["*"]))
        and all(_is_like(key, grant.get("keys", ["*"])) for key, _ in operation.counters)
        and all(-grant.get("at_most", 2**63) <= value <= grant.get("at_most", 2**63) for _, value in operation.counters)
        for grant in may
    )


def _is_like(name: str, patterns: Sequence[str]) -> bool:
    return any(re.fullmatch(".*".join(map(re.escape, p.split("*"))), name, re.DOTALL) for p in patterns)


def _whole(group_id: str, placed: Placed) -> list[Operation]:
    """What records that are known by their place ask for, in their source's own name."""
    source = placed.place.source
    origin = Origin(source=source, place="", caller=source, key="")
    return [
        Operation(
            group_id=group_id,
            mode=content.mode,
            counters=content.counters,
            caller=source,
            key="",
            window_s=0,
            origin=origin,
        )
        for content in placed.contents
    ]


class World:
    """The entry points over ports in memory; what reaches the protocol is judged on its way."""

    def __init__(self) -> None:
        self.reports = Reports(monotonic=self.monotonic)
        self.counts: Counter[str] = Counter()
        self.judge = Judge()
        self.wrong: list[str] = []
        self.scheme = ""
        self.renew()

    def renew(self) -> None:
        """Another instance with an empty ledger."""
        self.accepted: set[str] = set()
        self.stage = Stage(told=cast("Told", self.reports))
        self.stage.vault.secret = self.stage.vault.fresh = parse(json.dumps(SECRET))
        self.stage.chat.groups |= {group: {} for group in GROUPS[:-1]}
        callers, clock = self.stage.callers, self.stage.clock
        schemes: list[Authenticator] = [Bearer(callers), Signature(callers, clock), Platform(callers)]
        self.schemes = {scheme.scheme: scheme for scheme in schemes}

    def monotonic(self) -> float:
        return self.stage.clock.monotonic()

    def now(self) -> float:
        return self.stage.clock.now()

    def http_context(self) -> HttpContext:
        return replace(self.stage.http, authenticator=self.schemes[self.scheme])

    def app_context(self) -> AppContext:
        return self.stage.context

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put this world under the entry points."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bootstrap, "http_context", self.http_context)
            patch.setattr(bootstrap, "app_context", self.app_context)
            patch.setattr(bootstrap, "reports", lambda: self.reports)
            patch.setattr(main, "time", SimpleNamespace(monotonic=self.monotonic))
            for name in ("apply", "accept"):
                patch.setattr(ExactlyOnce, name, self._judging(getattr(ExactlyOnce, name), self._check))
            patch.setattr(ExactlyOnce, "ask", self._judging(ExactlyOnce.ask, self._check_question))
            yield

    def _judging(self, method: Callable[..., object], check: Callable[..., None]) -> Callable[..., object]:
        """The method, which is judged by what it is asked for."""

        def judged(core: ExactlyOnce, group_id: str, asked: Any, *rest: Any) -> object:  # noqa: ANN401  # as it is given
            check(group_id, asked)
            return method(core, group_id, asked, *rest)

        return judged

    def _check(self, group_id: str, asked: Sequence[Operation | Placed]) -> None:
        self.accepted.add(group_id)
        operations = [each for one in asked for each in (_whole(group_id, one) if isinstance(one, Placed) else [one])]
        self.wrong += [f"accepted: {each}" for each in operations if not self.judge.may_apply(each)]

    def _check_question(self, group_id: str, caller: str) -> None:
        self.wrong += [] if self.judge.may_ask(caller, group_id) else [f"asked: {caller} {group_id}"]

    def play(self, made: Made, *, on_scf: bool) -> str:
        """Send an event, and return what is wrong with what came of it; nothing mostly."""
        self.scheme, self.judge.entry, self.wrong = made.scheme, made.entry, []
        output, begun = io.StringIO(), time.thread_time()
        with redirect_stdout(output):
            try:
                reply = (
                    main.main_handler(made.event, scf_context(29))
                    if on_scf
                    else main.lambda_handler(made.event, lambda_context(29))
                )
            except CounterError as error:
                self.counts[f"raised {type(error).__name__}"] += 1
                shown = str(error)
            else:
                shown = json.dumps(reply, ensure_ascii=False, allow_nan=False)
                self.wrong += self._of_reply(reply, made)
        took_s = time.thread_time() - begun
        written = output.getvalue()
        shown.encode()
        self.wrong += ["a secret is shown"] if LEAKS.search(shown) or LEAKS.search(written) else []
        self.wrong += ["an unexpected error"] if "unexpected" in shown or "an unexpected" in written else []
        self.wrong += [f"took {took_s:.1f} s"] if took_s > SLOWEST_S else []
        counted = {group for group, counters in self.stage.chat.groups.items() if counters}
        self.wrong += [f"counted in {group} unasked" for group in counted - self.accepted]
        for line in written.splitlines():
            json.loads(line)
        return "; ".join(self.wrong)

    def _of_reply(self, reply: Event, made: Made) -> list[str]:
        if "statusCode" not in reply:
            self.counts["other answers"] += 1
            return []
        status, body = reply["statusCode"], json.loads(reply["body"])
        self.counts[f"HTTP {status}"] += 1
        headers = {**(reply.get("headers") or {}), **(reply.get("multiValueHeaders") or {})}
        wrong = [name for name, value in headers.items() if not f"{name}{value}".isprintable()]
        if "type" not in body:
            return [*wrong, *([] if status in {200, 202} else [f"status {status}"])]
        kind = body["type"].rpartition("/")[2]
        self.counts[kind] += 1
        if kind not in NAMES:
            wrong.append(f"no problem is called {kind}")
        if status >= 500 and not (kind == "settings" and made.may_be_settings):
            wrong.append(f"{status} {kind}: {body['detail']}")
        if kind in {"not-permitted", "unauthorized", "caller-rate-exceeded"} and (body["accepted"] or self.wrong):
            wrong.append(f"{kind}, and accepted")
        return wrong


def play(count: int, seed: int) -> Counter[str]:
    """Play so many events, and count what came of them. Raises AssertionError with the first that went wrong."""
    world, chance = World(), random.Random(f"clouds {seed}")
    events = Events(seed, world.now)
    with world.in_place():
        for number in range(count):
            if number % EVENTS_EACH == 0:
                world.renew()
            made = events.next()
            sent = repr(made)
            wrong = world.play(made, on_scf=chance.random() < 0.5)
            assert not wrong, f"seed {seed}, event {number}: {wrong}\n{sent[:4000]}"
    return world.counts


def run(arguments: Sequence[str] | None = None) -> int:
    """Play events, and print the counts."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz.judged", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    begun = time.monotonic()
    counts = play(options.events, options.seed)
    used = {"seconds": round(time.monotonic() - begun), "kB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}
    sys.stdout.write(f"{json.dumps({'events': options.events, **used, **dict(sorted(counts.items()))})}\n")
    return 0


if __name__ == "__main__":
    sys.exit(run())
