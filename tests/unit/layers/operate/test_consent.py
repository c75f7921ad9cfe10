"""What changes or deletes something says what it acts on, and is sent after a yes only."""

import io
import sys

import pytest

from layers.operate import consent
from layers.operate.arguments import Event
from layers.operate.functions import OperatorError

ABOUT: Event = {"Type": "Operator", "task": "about"}
PAUSE: Event = {"Type": "Operator", "task": "pause", "reason": "the vendor asked"}
REFUSED = "Nothing was done: it takes YES=1 (--yes), or a typed yes at a terminal"


class Asked:
    """A function that says of itself what is given."""

    name = "counter in eu-west-1"

    def __init__(self, about: object) -> None:
        self.about = about
        self.events: list[Event] = []

    def invoke(self, event: Event) -> object:
        self.events.append(event)
        return self.about


class Terminal(io.StringIO):
    """A terminal at which this was typed."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def function() -> Asked:
    return Asked({"app": 1400000000, "ledger": "dynamodb://counters"})


def of(task: str, **fields: object) -> Event:
    return {"Type": "Operator", "task": task, **fields}


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (of("release", GroupId="g"), "unfreezes the group g"),
        (of("release", GroupId="g", debt="drop"), "is given up"),
        (of("adopt", GroupId="g"), "takes the receipt of the group g as it is"),
        (of("restored"), "cannot be undone"),
        (of("forget", GroupId="g"), "DELETES all that is kept of the group g"),
        (of("forget", GroupId="g", even_remembered=True), "is counted A SECOND TIME"),
        (PAUSE, "pauses EVERY group of the ledger"),
        (of("pause", GroupId="g", reason="r"), "pauses the group g"),
        (of("resume"), "ends the pause of EVERY group"),
        (of("parked", action="replay", id="r"), "executes the parked record r again"),
        (of("parked", action="replay", all=True, source="q"), "executes EVERY parked record of q again"),
        (of("parked", action="drop", id="r"), "DELETES the parked record r"),
    ],
)
def test_app_ledger_function_and_consequence_are_said_before_anything_is_done(
    function: Asked, capsys: pytest.CaptureFixture[str], event: Event, words: str
) -> None:
    consent.check(event, function, is_given=True)
    told = capsys.readouterr().err
    assert told.splitlines()[:3] == [
        "app       1400000000",
        "ledger    dynamodb://counters",
        "function  counter in eu-west-1",
    ]
    assert words in told
    assert function.events == [ABOUT]


@pytest.mark.parametrize(
    "event",
    [
        *(of("status"), of("inspect", GroupId="g"), of("operation", GroupId="g"), of("parked", action="list")),
        *(of("verify", GroupId="g"), of("release", GroupId="g", dry_run=True)),
    ],
)
def test_what_only_looks_asks_nothing(function: Asked, capsys: pytest.CaptureFixture[str], event: Event) -> None:
    consent.check(event, function, is_given=False)
    assert (function.events, capsys.readouterr().err) == ([], "")


def test_without_a_terminal_and_without_a_yes_it_refuses(function: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    with pytest.raises(OperatorError) as refused:
        consent.check(PAUSE, function, is_given=False)
    assert str(refused.value) == REFUSED


@pytest.mark.parametrize(("typed", "goes_on"), [("yes\n", True), ("y\n", False), ("\n", False), ("", False)])
def test_at_a_terminal_the_word_yes_has_to_be_typed(
    function: Asked, monkeypatch: pytest.MonkeyPatch, typed: str, goes_on: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    if goes_on:
        consent.check(PAUSE, function, is_given=False)
    else:
        with pytest.raises(OperatorError):
            consent.check(PAUSE, function, is_given=False)


def test_a_function_that_does_not_say_what_it_acts_on_is_named_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    consent.check(PAUSE, Asked(None), is_given=True)
    assert capsys.readouterr().err.startswith("app       not said by the function\n")
