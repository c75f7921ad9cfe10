"""The operator's `verify`: tries the assumptions out on a scratch group, and keeps what was found for this app."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from handler.core.errors import BadInput, NotAccepted, OutcomeUnknown
from handler.core.model.operation import GROUP_ID_BYTES
from handler.core.model.payload import StrictModel, first_problem
from handler.core.model.row import Group
from handler.core.ports.shelf import Shelf
from handler.core.ports.system import Notice
from handler.core.verify.finding import CheckResult, Finding
from handler.core.verify.session import ProbeSession
from handler.core.verify.verify import CALLS_MAX, CALLS_MAX_QUICK, Verification, verify
from handler.core.verify.volume_checks import Rounds, Tally
from handler.triggers.context import NOTE, AppContext
from handler.triggers.event_kind import Event
from handler.triggers.invocation import Invocation
from handler.triggers.parsing import check_text, written

# How long to go on where the platform tells of no deadline; 3,500 calls at the usual pace take about a minute.
UNLIMITED_S = 900.0


class _Asked(StrictModel):
    type: Annotated[Literal["Operator"], Field(alias="Type")]
    task: Literal["verify"]
    group_id: Annotated[str, Field(alias="GroupId", min_length=1, max_length=GROUP_ID_BYTES)]
    quick: bool = False


class Threads:
    """Does works at the same time, each in the context of this invocation."""

    def together(self, works: Sequence[Callable[[], Tally]]) -> list[Tally]:
        """Do all of it, and wait for it."""
        with ThreadPoolExecutor(len(works)) as pool:
            futures = [pool.submit(copy_context().run, work) for work in works]
        return [future.result() for future in futures]


def run(event: Event, invocation: Invocation, context: AppContext) -> dict[str, object]:
    """Verify, store the result under the app, and return it; `stored` says whether the ledger took it.

    Raises BadInput for a wrong event and for a group that is in use, before anything is written to it.
    """
    asked, instance = _read(event), context.instance
    context.check_limits(invocation)
    instance.reporter.report(Notice.OPERATOR_TASK, task=asked.task, GroupId=asked.group_id)
    group = Group(context.vault.current().sdkappid, asked.group_id)
    if instance.ledger.load(group) is not None:
        raise BadInput("GroupId", "is in use: the ledger knows this group; name a group made for tests")
    bench = ProbeSession(
        *(group, context.probes, instance.clock, instance.rules, instance.reporter),
        deadline=invocation.deadline_or(UNLIMITED_S),
        calls_max=CALLS_MAX_QUICK if asked.quick else CALLS_MAX,
    )
    result = _result(asked, context, verify(bench, instance.chance, Threads(), Rounds(), quick=asked.quick))
    return {**result, "stored": _stored(context.shelf, group.app, result)}


def _read(event: Event) -> _Asked:
    check_text(event, "event")
    try:
        return _Asked.model_validate(event)
    except ValidationError as error:
        raise first_problem(error) from None


def _result(asked: _Asked, context: AppContext, verified: Verification) -> dict[str, object]:
    rules, clock = context.instance.rules, context.instance.clock
    verdicts = Counter(finding.verdict for finding in verified.findings)
    return {
        "task": asked.task,
        "GroupId": asked.group_id,
        "quick": asked.quick,
        "date": written(clock.now()),
        "settings": {
            "SIGNATURE_LIFE_S": rules.life_s,
            "CLOCK_GUARD_S": rules.guard_s,
            "ATTEMPT_BOUND_S": rules.bound_s,
        },
        "calls": verified.calls,
        "set_back": verified.set_back,
        **{verdict.name.lower(): verdicts[verdict] for verdict in CheckResult},
        "findings": [_shown(finding) for finding in verified.findings],
    }


def _shown(finding: Finding) -> dict[str, object]:
    """A finding as JSON; without the parts that say nothing."""
    question = finding.question
    shown: dict[str, object] = {"test": question.test, "name": question.name, "verdict": finding.verdict.value}
    optional = {"assumption": question.assumption, "evidence": dict(finding.evidence), "advice": finding.advice}
    return {**shown, **{name: value for name, value in optional.items() if value}}


def _stored(shelf: Shelf, app: int, result: dict[str, object]) -> bool:
    """Whether the ledger keeps it. The findings were dear: they are returned even where it does not."""
    try:
        shelf.note(app, NOTE, json.dumps(result))
    except (NotAccepted, OutcomeUnknown):
        return False
    return True
