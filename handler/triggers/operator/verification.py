"""The operator's `verify`: check the protocol's assumptions on a scratch group, and store the findings for this app."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from handler.core.errors import BadInput, NotAccepted, OutcomeUnknown
from handler.core.model.operation import GROUP_ID_BYTES
from handler.core.model.payload import StrictModel, first_problem
from handler.core.model.row import Group
from handler.core.ports.ledger import Notes
from handler.core.ports.system import Notice
from handler.core.verify.finding import CheckResult, Finding
from handler.core.verify.session import ProbeSession
from handler.core.verify.verify import CALLS_MAX, CALLS_MAX_QUICK, Verification, verify
from handler.core.verify.volume_checks import Rounds
from handler.triggers.concurrency import together
from handler.triggers.context import NOTE, AppContext
from handler.triggers.event_kind import Event
from handler.triggers.invocation import Invocation
from handler.triggers.parsing import check_text, written

# The time for a run where the platform states no deadline; 3,500 calls at the usual pace take about a minute.
UNLIMITED_S = 900.0


class _Asked(StrictModel):
    type: Annotated[Literal["Operator"], Field(alias="Type")]
    task: Literal["verify"]
    group_id: Annotated[str, Field(alias="GroupId", min_length=1, max_length=GROUP_ID_BYTES)]
    quick: bool = False


def run(event: Event, invocation: Invocation, context: AppContext) -> dict[str, object]:
    """Verify, store the findings under the app, and return them; `stored` tells whether the ledger took them.

    Raises BadInput for an invalid event, and for a group in use before anything is written to it.
    """
    asked, instance = _read(event), context.instance
    context.check_limits(invocation)
    instance.reporter.report(Notice.OPERATOR_TASK, task=asked.task, GroupId=asked.group_id)
    group = Group(context.sdkappid, asked.group_id)
    if instance.ledger.load(group) is not None:
        raise BadInput("GroupId", "is in use: the ledger has a row of this group; name a group made for tests")
    session = ProbeSession(
        group=group,
        api=context.probes,
        clock=instance.clock,
        rules=instance.rules,
        reporter=instance.reporter,
        deadline=invocation.deadline_or(UNLIMITED_S),
        calls_max=CALLS_MAX_QUICK if asked.quick else CALLS_MAX,
    )
    verified = verify(session, instance.chance, together, Rounds(), quick=asked.quick)
    result = _result(asked, context, verified)
    return {**result, "stored": _stored(context.notes, group.app, result)}


def _read(event: Event) -> _Asked:
    check_text(event, "event")
    try:
        return _Asked.model_validate(event)
    except ValidationError as error:
        raise first_problem(error) from None


def _result(asked: _Asked, context: AppContext, verified: Verification) -> dict[str, object]:
    rules, clock = context.instance.rules, context.instance.clock
    verdicts = Counter(finding.result for finding in verified.findings)
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
        "callers_without_rights": context.vault.current().callers_without_rights,
        "ledger_expires": context.parked.expires(),
        "calls": verified.calls,
        "set_back": verified.set_back,
        **{verdict.name.lower(): verdicts[verdict] for verdict in CheckResult},
        "findings": [_shown(finding) for finding in verified.findings],
    }


def _shown(finding: Finding) -> dict[str, object]:
    """A finding as JSON, without empty fields."""
    check = finding.check
    shown: dict[str, object] = {"test": check.test, "name": check.name, "verdict": finding.result.value}
    optional = {"assumption": check.assumption, "evidence": dict(finding.evidence), "advice": finding.advice}
    return {**shown, **{name: value for name, value in optional.items() if value}}


def _stored(notes: Notes, app: int, result: dict[str, object]) -> bool:
    """Store the findings if the ledger can; a failure must not cost the operator a run of a minute."""
    try:
        notes.note(app, NOTE, json.dumps(result))
    except (NotAccepted, OutcomeUnknown):
        return False
    return True
