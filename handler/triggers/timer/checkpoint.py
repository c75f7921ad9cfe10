"""How far a tick of very many groups has got, so that the platform's next delivery of it goes on from there.

What has been done is known by the keys of the operations, and doing it again changes nothing; it only takes as long.
So a note that is lost, or cannot be written, costs time and nothing else.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice

from handler.core.errors import NotAccepted, OutcomeUnknown
from handler.core.ports.ledger import Generation
from handler.core.ports.shelf import Shelf
from handler.core.ports.vault import Secret
from handler.core.protocol.engine import ExactlyOnce
from handler.triggers.timer.pages import page_key
from handler.triggers.timer.tick import Tick


class Checkpoint:
    """Of `groups` groups, those up to `after` in the order of their ids, everything has been accepted or handed on.

    One note per trigger, which names the tick that it is about.
    """

    def __init__(self, tick: Tick, shelf: Shelf, secret: Secret, generation: Generation) -> None:
        self.after = ""
        self.groups = 0
        self._shelf = shelf
        self._app = secret.sdkappid
        self._name = f"tick/{tick.name}"
        # A ledger of another generation may have forgotten what was accepted, and pages that another key has signed are
        # refused: then the tick begins again.
        self._tick = _digest(tick, generation, page_key(secret))

    def recall(self) -> None:
        """Read the note, if it is about this tick."""
        with suppress(NotAccepted, OutcomeUnknown):
            noted = self._shelf.noted(self._app, self._name)
            note = json.loads(noted) if noted is not None else {}
            if note.get("tick") == self._tick:
                self.after, self.groups = note["after"], note["groups"]

    def reached(self, group_ids: Sequence[str]) -> None:
        """Note that these are done, too: the next ones in order."""
        self.after, self.groups = group_ids[-1], self.groups + len(group_ids)
        note = {"tick": self._tick, "after": self.after, "groups": self.groups}
        with suppress(NotAccepted, OutcomeUnknown):
            self._shelf.note(self._app, self._name, json.dumps(note))


def in_order(tick: Tick, counters: ExactlyOnce, after: str, size: int) -> Iterator[Sequence[str]]:
    """The groups of a tick in the order of their ids, those after an id, `size` at a time.

    Those of a source are listed as they are wanted; raises LedgerUnavailable.
    """
    if tick.known:
        while page := counters.groups_with_key(tick.known.key, tick.known.by, size, after):
            yield page
            after = page[-1]
        return
    ids = iter(sorted(group_id for group_id in tick.groups if group_id > after))
    while part := list(islice(ids, size)):
        yield part


def _digest(tick: Tick, generation: Generation, key: bytes) -> str:
    asked = [[each.index, each.mode.value, each.counters] for each in tick.asked]
    source = [tick.known.key, tick.known.by] if tick.known else []
    content = [tick.key, asked, source, sorted(tick.groups.items()), generation.number]
    return hmac.digest(key, json.dumps(content).encode(), "sha256").hex()
