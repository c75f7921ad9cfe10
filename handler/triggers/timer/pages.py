"""Pages: the messages in which a tick of very many groups goes through a queue, each with some of the groups.

The operations keep the keys of the timer event. So a page that is delivered twice, or whose groups the timer has
reached already, counts nothing twice. Every page carries an HMAC by a key derived from the app's own, because any
producer of the queue could write a page of any tick.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from handler.core.errors import BadInput
from handler.core.model.payload import StrictModel, first_problem
from handler.core.ports.system import Notice, Reporter
from handler.core.ports.vault import REFRESH_MIN_AGE_S, Secret, Vault
from handler.triggers.parsing import read_json, read_time
from handler.triggers.timer.tick import Tick, WrittenOperation, read_listed, read_name, tick_of

# A page ends with the HMAC of everything before it.
_END = re.compile(r'(?P<signed>.*),"Hmac":"(?P<hmac>[0-9a-f]{64})"\}', re.DOTALL)
END_BYTES = len(',"Hmac":""') + 64

# The key of pages is the HMAC of this by the app's key.
KEY_OF = b"update-group-counter page v1"

# A page fits into a parked record, and ten pages into one request to SQS, even by its older limit of 256 KiB.
PAGE_BYTES = 24 * 1024

# All but the ids of its groups may take half of a page.
FRAME_BYTES = PAGE_BYTES // 2

# The groups that an invocation accepts within about a second, however high the app's rate is.
GROUPS_MAX = 250


def fits(tick: Tick) -> bool:
    """Whether pages can hold this tick, as every page repeats its operations."""
    return len(_text(tick, ())) + END_BYTES <= FRAME_BYTES


def page_key(secret: Secret) -> bytes:
    """The key that signs pages; it never leaves the process."""
    return hmac.digest(secret.key.encode(), KEY_OF, "sha256")


def check_genuine(text: str, vault: Vault, reporter: Reporter) -> None:
    """Raise BadInput for a page that the app's key did not sign; the key may be newer than the one in memory."""
    secret = vault.current()
    if _is_signed(text, page_key(secret)):
        return
    fresh = vault.refresh(REFRESH_MIN_AGE_S)
    if fresh is not secret:
        reporter.report(Notice.SECRET_REFRESHED, reason="unknown signature of a page")
        if _is_signed(text, page_key(fresh)):
            return
    raise BadInput(
        "Hmac", "is missing or was not made with the app's current key; after a rotation, send the timer event again"
    )


def pages(tick: Tick, group_ids: Sequence[str], groups_max: int, key: bytes) -> Iterator[tuple[str, int]]:
    """Pages of these groups in their order: the text of each and its number of groups, at most `groups_max`."""
    room = PAGE_BYTES - END_BYTES - len(_text(tick, ()))
    page: list[str] = []
    size = 0
    for group_id in group_ids:
        # Each operation lists the id, and a comma.
        more = (len(json.dumps(group_id)) + 1) * len(tick.asked)
        if page and (len(page) == groups_max or size + more > room):
            yield _signed(_text(tick, page), key), len(page)
            page, size = [], 0
        page.append(group_id)
        size += more
    if page:
        yield _signed(_text(tick, page), key), len(page)


def read_page(text: str, receipt_key: str, window_s: float) -> Tick:
    """Read a page's text; BadInput names the first wrong field."""
    try:
        page = _Page.model_validate(read_json(text, "body"))
    except ValidationError as error:
        raise first_problem(error) from None
    name, time = read_name(page.name), read_time(page.time, "Time")
    asked = [
        read_listed(written, written.index, receipt_key, f"operations[{place}]")
        for place, written in enumerate(page.operations)
    ]
    return tick_of(name, time, asked, window_s)


class _Operation(WrittenOperation):
    index: Annotated[int, Field(alias="Index", ge=0)]


class _Page(StrictModel):
    type: Annotated[Literal["TimerPage"], Field(alias="Type")]
    name: Annotated[str, Field(alias="TriggerName")]
    time: Annotated[str, Field(alias="Time")]
    operations: Annotated[list[_Operation], Field(min_length=1)]
    hmac: Annotated[str, Field(alias="Hmac")]


def _text(tick: Tick, group_ids: Sequence[str]) -> str:
    """A page in ASCII, which every queue takes; without groups it is the frame of all pages."""
    listed = [
        [group_id for group_id in group_ids if place in tick.places(group_id)] for place in range(len(tick.asked))
    ]
    operations = [
        {
            "Index": asked.index,
            "GroupIds": ids,
            "GroupCounter": [{"Key": key, "Value": value} for key, value in asked.counters],
            "Mode": asked.mode.value,
        }
        for asked, ids in zip(tick.asked, listed, strict=True)
        if ids or not group_ids
    ]
    page = {"Type": "TimerPage", "TriggerName": tick.name, "Time": tick.time.text, "operations": operations}
    return json.dumps(page, separators=(",", ":"))


def _signed(text: str, key: bytes) -> str:
    """A page with its HMAC as the last field."""
    signed = text.removesuffix("}")
    return f'{signed},"Hmac":"{_hmac(signed, key)}"}}'


def _is_signed(text: str, key: bytes) -> bool:
    matched = _END.fullmatch(text)
    return matched is not None and hmac.compare_digest(_hmac(matched["signed"], key), matched["hmac"])


def _hmac(signed: str, key: bytes) -> str:
    return hmac.digest(key, signed.encode(errors="backslashreplace"), "sha256").hex()
