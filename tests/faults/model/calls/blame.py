"""Whom 10007 is to blame on (R6): the group, or an account that is no admin any more; `handler.core` decides.

A call is refused by 10007 at some moment. Calls in other groups go out before and after it, and come back in any
order; the account may lose its rights, and then gets the same refusal everywhere. Replies get lost.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from handler.core.model.row import Group, Row
from handler.core.ports.counter_api import Counted, Fault, Refused, Reply, Unclear
from handler.core.protocol.calls import NOT_PERMITTED
from handler.core.protocol.refusal import Blame, blamed
from handler.core.runtime.memory import Landings

INNOCENT = "REJECTED FOR THE APP'S FAULT"
ACCUSED = "THE APP BLAMED FOR A GROUP'S REFUSAL"

HERE = Group(1, "here")
OTHERS = [Group(1, "first"), Group(1, "second")]
ROW = Row(version=0, generation=1, receipt_key="_receipt", base=0, keys=(("k", 1),))

# Until this moment calls are made in other groups.
ENDS = 4


class State(NamedTuple):
    """`sent` are moments of calls in other groups that are under way, `landed` of those that came back.

    `forbidden` is the moment of the refused call, and `lost` which reads of other groups get no answer.
    """

    now: int = 1
    is_admin: bool = True
    sent: tuple[int, ...] = ()
    landed: tuple[int, ...] = ()
    forbidden: int | None = None
    lost: tuple[bool, ...] | None = None
    blame: Blame | None = None


@dataclass(frozen=True)
class Rules:
    """What holds; each can be left out."""

    other_groups_are_asked: bool = True
    only_later_calls_prove: bool = True
    silence_proves_nothing: bool = True
    all_have_to_refuse: bool = True


@dataclass(frozen=True)
class Blaming:
    """`is_of_the_group`: the group would refuse an admin as well; `another_refuses`: so would the first other one."""

    is_of_the_group: bool
    another_refuses: bool = False
    rules: Rules = field(default_factory=Rules)

    def initial(self) -> State:
        return State(landed=(0, 0))

    def moves(self, state: State) -> Iterator[tuple[str, State]]:
        if state.blame is not None:
            return
        later = state._replace(now=state.now + 1)
        if state.is_admin and state.now <= ENDS:
            yield "ANOTHER GROUP IS CALLED", later._replace(sent=(*state.sent, state.now))
        for sent in state.sent:
            rest = tuple(other for other in state.sent if other != sent)
            yield f"the call of {sent} HAS LANDED", state._replace(sent=rest, landed=(*state.landed, sent))
            yield f"the reply to {sent} IS LOST", state._replace(sent=rest)
        if state.is_admin and state.forbidden is None:
            yield "THE ACCOUNT LOSES ITS RIGHTS", later._replace(is_admin=False)
        if state.forbidden is None and (self.is_of_the_group or not state.is_admin):
            yield "is refused", later._replace(forbidden=state.now)
        if state.forbidden is not None:
            for lost in ((False, False), (True, False), (False, True), (True, True)):
                yield f"asks others, LOST: {lost}", state._replace(lost=lost, blame=self._blame(state, lost))

    def _blame(self, state: State, lost: Sequence[bool]) -> Blame:
        if not self.rules.other_groups_are_asked:
            return Blame.OPERATION
        landings = Landings()
        for number, sent in enumerate(state.landed):
            moment = sent if self.rules.only_later_calls_prove else state.now
            landings.note(OTHERS[number % len(OTHERS)], moment)
        heard: list[Reply] = []

        def read_of(group: Group, _: Sequence[str]) -> Reply:
            is_known = bool(heard) and not self.rules.all_have_to_refuse
            heard.append(heard[0] if is_known else self._read(state, group, is_lost=lost[OTHERS.index(group)]))
            return heard[-1]

        calls = SimpleNamespace(forbidden_at=state.forbidden, read_of=read_of)
        visit = SimpleNamespace(instance=SimpleNamespace(landings=landings), calls=calls, group=HERE)
        return blamed(cast("Any", visit), ROW, {NOT_PERMITTED}, can_read=False)

    def _read(self, state: State, group: Group, *, is_lost: bool) -> Reply:
        if is_lost and self.rules.silence_proves_nothing:
            return Unclear("lost")
        is_refused = is_lost or not state.is_admin or (self.another_refuses and group == OTHERS[0])
        return Refused(NOT_PERMITTED, "", Fault.OPERATION, None) if is_refused else Counted({}, None)

    def broken(self, state: State) -> Iterator[str]:
        if state.blame is Blame.OPERATION and not self.is_of_the_group:
            yield INNOCENT
        if state.blame is Blame.APP and state.is_admin:
            yield ACCUSED

    def broken_at_end(self, _: State) -> Iterator[str]:
        """Nothing: what is left unknown stays owed."""
        return iter(())
