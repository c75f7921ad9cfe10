"""`verify` as an operator sends it: what is returned and kept, what is refused, and the reminder until it was done."""

from __future__ import annotations

import json
from math import inf

import pytest
from msgspec.structs import replace

from handler.core.errors import BadInput, LedgerUnavailable
from handler.core.model.operation import Mode
from handler.core.ports.counter_api import Fault, Refused
from handler.core.ports.system import Notice
from handler.triggers.context import NOTE, remind
from handler.triggers.invocation import Invocation
from handler.triggers.operator import handler as operator
from tests.sandbox.memory_shelf import MemoryShelf
from tests.unit.core.verify.memory_probes import MemoryProbes
from tests.unit.triggers.operator.operators import event
from tests.unit.triggers.stage import APP, Stage, invocation

FOREVER = invocation(5000.0, inf)


@pytest.fixture
def stage() -> Stage:
    """An app whose assumptions nobody has verified yet."""
    return Stage()


def verified(stage: Stage, during: Invocation = FOREVER, **fields: object) -> dict[str, object]:
    told = operator.run(event("verify", **{"GroupId": "scratch", "quick": True, **fields}), during, stage.context)
    return dict(told)


def test_what_was_found_is_returned_and_kept(stage: Stage) -> None:
    """Counted by verdict, with the settings it was found with, under the app that it holds for."""
    told = verified(stage)
    assert (told["task"], told["GroupId"], told["quick"], told["stored"]) == ("verify", "scratch", True, True)
    assert told["settings"] == {"SIGNATURE_LIFE_S": 6, "CLOCK_GUARD_S": 5.0, "ATTEMPT_BOUND_S": 11.0}
    assert (told["holds"], told["violated"], told["not_tested"], told["set_back"]) == (15, 0, 0, True)
    assert str(told["date"]).startswith("2026-11-22T00:00:")
    kept = stage.shelf.noted(APP, NOTE)
    assert kept is not None
    assert json.loads(kept) == {name: value for name, value in told.items() if name != "stored"}


def test_a_finding_is_shown_without_what_says_nothing(stage: Stage) -> None:
    """A fact has no assumption, and what holds no advice."""
    findings = verified(stage)["findings"]
    assert isinstance(findings, list)
    by_name = {finding["name"]: finding for finding in findings}
    assert by_name["Increase by 0 is taken"] == {
        "test": "L5",
        "name": "Increase by 0 is taken",
        "verdict": "holds",
        "evidence": {"start": 10, "after": 10, "code": 0},
    }
    assert by_name["short signature accepted"]["assumption"] == "A2"


def test_a_finding_that_does_not_hold_is_shown_with_its_advice(stage: Stage) -> None:
    assert isinstance(stage.context.probes, MemoryProbes)
    stage.context.probes.refuses_short = Refused(70001, "too short", Fault.SIGNATURE, None)
    told = verified(stage)
    assert (told["violated"], told["not_tested"]) == (1, 1)
    assert "SIGNATURE_LIFE_S: " in json.dumps(told["findings"])


def test_a_whole_run_works_with_threads(stage: Stage) -> None:
    told = verified(stage, quick=False)
    assert (told["quick"], told["violated"], told["not_tested"]) == (False, 0, 0)
    assert isinstance(told["calls"], int)
    assert told["calls"] > 2000


def test_a_group_that_the_ledger_knows_is_not_tried_out(stage: Stage) -> None:
    stage.post("first")
    with pytest.raises(BadInput, match=r"^GroupId: is in use"):
        verified(stage, GroupId="room")
    assert stage.chat.groups["room"]["like"] == 5


@pytest.mark.parametrize("fields", [{"GroupId": ""}, {"quick": "yes"}, {"extra": 1}, {"GroupId": 5}])
def test_a_wrong_event_is_refused(stage: Stage, fields: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        verified(stage, FOREVER, **fields)
    assert isinstance(stage.context.probes, MemoryProbes)
    assert stage.context.probes.calls == 0


class FullShelf(MemoryShelf):
    """A shelf that takes nothing, and shows nothing."""

    def note(self, app: int, name: str, text: str) -> None:
        raise LedgerUnavailable("full")

    def noted(self, app: int, name: str) -> str | None:
        raise LedgerUnavailable("full")


def test_findings_are_returned_although_they_could_not_be_kept(stage: Stage) -> None:
    stage.use_shelf(FullShelf())
    told = verified(stage)
    assert (told["stored"], told["holds"]) == (False, 15)


def test_until_somebody_has_verified_everybody_is_reminded(stage: Stage) -> None:
    remind(stage.context)
    assert stage.told.notices == [Notice.ASSUMPTIONS_UNVERIFIED]
    verified(stage)
    stage.told.notices.clear()
    remind(stage.context)
    assert stage.told.notices == []


def test_whether_somebody_has_verified_may_be_unknown(stage: Stage) -> None:
    """Then it is said with the reason, and nothing fails."""
    stage.use_shelf(FullShelf())
    remind(stage.context)
    assert stage.told.notices == [Notice.ASSUMPTIONS_UNVERIFIED]


def test_counters_are_left_at_zero(stage: Stage) -> None:
    verified(stage)
    assert isinstance(stage.context.probes, MemoryProbes)
    last = replace(stage.context.probes.trials[-1], time=0)
    assert last.mode is Mode.SET
    assert {value for _, value in last.counters} == {0}
