"""What the sandbox's journal tells an auditor."""

from dataclasses import replace

from tests.sandbox.app import ChatApp
from tests.sandbox.journal import Entry, Journal
from tests.unit.sandbox.driver import NOW, call, conduct, entry


def test_the_journal_tells_what_happened(app: ChatApp) -> None:
    """An entry holds the request, the age of its signature, its fate and the answer."""
    conduct(app, call())
    assert entry(app) == Entry(
        sequence=1,
        received_at=NOW,
        command="update",
        group="G",
        mode="Increase",
        counters={"like": 1},
        keys=(),
        random=1,
        signed_at=1_700_000_000,
        life_s=6,
        fault=None,
        state="applied",
        code=0,
        applied_at=NOW,
        values={"like": 1},
        replied=0,
        ended_at=NOW,
    )


def test_the_journal_tells_what_was_read(app: ChatApp) -> None:
    """A read has keys and values; a body without sense has nothing but its refusal."""
    app.groups.dismiss("G")
    app.groups.create("G", "Public", {"like": 1, "share": 2})
    right = call("get")
    conduct(app, replace(right, body=b'{"GroupId": "G", "GroupCounterKeys": ["like"]}'))
    conduct(app, replace(right, body=b"{"))
    read, refused = app.journal.entries()
    assert (read.mode, read.counters, read.keys, read.values) == (None, {}, ("like",), {"like": 1})
    assert (refused.group, refused.keys, refused.values, refused.code) == (None, (), None, 60003)


def test_a_full_journal_lets_the_oldest_go_and_says_so(app: ChatApp) -> None:
    """An auditor can tell that something is missing; news about a dropped entry is passed over."""
    app.journal = Journal(limit=2)
    first = app.receive(call(), NOW)
    for _ in range(2):
        conduct(app, call())
    app.apply(first, NOW)
    app.cancel(first)
    assert [entry.sequence for entry in app.journal.entries()] == [2, 3]
    assert app.journal.dropped == 1
