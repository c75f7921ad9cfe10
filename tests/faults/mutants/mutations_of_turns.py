"""The rules by which the app's turns are shared (R14), paused (R15) and kept apart (R16), each switched off."""

from tests.faults.auditor.orders import MORE, SET
from tests.faults.mutants.mutant import Mutant, one
from tests.faults.simulator.draws import foreign_data, paused
from tests.faults.simulator.plan import Theme
from tests.faults.simulator.simulate import SHARED

_TURNS = "core.protocol.calls:Turns"

_GENERATION = "core.runtime.memory:GenerationCache.current"
_PAUSED = Theme((paused,))
_PACED = Theme((foreign_data,), (MORE, MORE, SET), paced=True)

TURNS: tuple[Mutant, ...] = (
    Mutant(
        "reads without turns",
        "R14",
        f"{_TURNS}.may_read",
        (("turn = reads.turn(self._group.app)", "return True"),),
        way=SHARED,
    ),
    Mutant(
        "turns that are not given back",
        "R14",
        f"{_TURNS}.give_back",
        (("self._instance.updates.give_back(self.taken)", "pass"),),
        way=SHARED,
    ),
    Mutant(
        "a turn for each visit to one group", "R14", f"{_TURNS}.wait_s", (("others is not None", "False"),), way=SHARED
    ),
    Mutant(
        "a sweep that lets its turns go",
        "R14",
        "core.protocol.visit:Visit.wait",
        (("if not for_turn:", "if not for_turn or self.budget.wait_max_s == 0:"),),
        way=SHARED,
    ),
    Mutant(
        "a schedule by the clock that is ahead",
        "R14",
        "ledgers.dynamodb.metadata:lease",
        (("lag_s = at - claim.now", "return Lent(None, lag_s)"),),
        way=SHARED,
    ),
    Mutant(
        "acceptances without turns",
        "R14",
        "core.protocol.accept:_may_leave_to_others",
        (("visit.waits_for_call or not visit.turns.place_s()", "True"),),
        way=SHARED,
    ),
    one(
        "a visit that sends during a pause",
        "R15",
        "core.protocol.drive:drive",
        ("visit.is_paused(row)", "False"),
        _PAUSED,
    ),
    one("a pause that is never read", "R15", _GENERATION, ("> self._cache_s", "> 3600"), _PAUSED),
    one(
        "a run without its pace",
        "R16",
        "core.protocol.drive:_held_up",
        ("wait_s = visit.backoff.before_next_call_s(row)", "wait_s = 0.0"),
        _PACED,
    ),
    one(
        "fast open without: the pace",
        "R16",
        "core.model.row:Row.is_idle",
        ("and (pace is None or not pace.left_s(self.called_ms))", ""),
        _PACED,
    ),
    one("a call that leaves no stamp", "R16", "core.model.row:Row.opened", ("pace.now_ms if pace else 0", "0"), _PACED),
)
