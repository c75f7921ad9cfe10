"""A checkpoint of a tick with very many groups, so that the platform's next delivery of the tick resumes there.

It saves time only: what is done again finds its own keys and changes nothing. So a checkpoint may be lost, or fail to
be written.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice

from handler.core.errors import NotAccepted, OutcomeUnknown
from handler.core.ports.ledger import Generation, Notes
from handler.core.ports.vault import Secret
from handler.core.protocol.engine import ExactlyOnce
from handler.triggers.timer.pages import page_key
from handler.triggers.timer.tick import Tick


class Checkpoint:
    """The first `groups` groups of the tick, those up to the id `after`, are accepted or handed on.

    The ledger keeps one note for each trigger; the note names its tick.
    """

    def __init__(self, tick: Tick, notes: Notes, secret: Secret, generation: Generation) -> None:
        self.after = ""
        self.groups = 0
        self._notes = notes
        self._app = secret.sdkappid
        self._name = f"tick/{tick.name}"
        # The tick starts over in a new generation of the ledger, which may have forgotten what was accepted, and with a
        # new key of the app, because the pages already sent are refused then.
        self._tick = _digest(tick, generation, page_key(secret))

    def recall(self) -> None:
        """Resume at the note, if it is about this tick."""
        with suppress(NotAccepted, OutcomeUnknown):
            noted = self._notes.noted(self._app, self._name)
            note = json.loads(noted) if noted is not None else {}
            if note.get("tick") == self._tick:
                self.after, self.groups = note["after"], note["groups"]

    def reached(self, group_ids: Sequence[str]) -> None:
        """Note that the next groups in order are done too."""
        self.after, self.groups = group_ids[-1], self.groups + len(group_ids)
        note = {"tick": self._tick, "after": self.after, "groups": self.groups}
        with suppress(NotAccepted, OutcomeUnknown):
            self._notes.note(self._app, self._name, json.dumps(note))


def groups_in_order(tick: Tick, counters: ExactlyOnce, after: str, size: int) -> Iterator[Sequence[str]]:
    """The groups of a tick behind the id `after`, in the order of their ids, `size` at a time.

    Known groups are read from the ledger page by page, which may raise LedgerUnavailable.
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
    known = [tick.known.key, tick.known.by] if tick.known else []
    content = [tick.key, asked, known, sorted(tick.groups.items()), generation.number]
    return hmac.digest(key, json.dumps(content).encode(), "sha256").hex()
