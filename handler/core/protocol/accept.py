"""Accept: an operation becomes owed by one compare-and-swap, unless the ledger knows it already (R1)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from handler.core.errors import AnswerLost, AppRefused, NotAccepted, NoTurn, OutcomeUnknown, RowFull, TooManyCalls
from handler.core.model.operation import NO_WATERMARKS, key_limit
from handler.core.model.outcome import Records, Rejected
from handler.core.model.row import Entry, Row, first_row
from handler.core.model.row_size import FULL_RETRY_S, accepted, accepting_bytes, fits, row_is_full
from handler.core.ports.system import Notice, naming
from handler.core.protocol import first_use
from handler.core.protocol.visit import CONTENTION_S, Visit
from handler.core.state.folding import Asked
from handler.core.state.merge import next_run
from handler.core.state.receipts import choose_weight
from handler.core.state.transitions import REJECTED_AT_ONCE, Change, appended, record_of
from handler.core.state.watermarks import moved, reached

# How often a lost compare-and-swap is tried again before the caller is asked to come back.
SWAPS_MAX = 60

# Places in the schedule of acceptances come free as the sweep makes calls, many at a time.
PLACE_RETRY_S = 5.0

# How soon a call may be free once the app's rate is used up: it is lent out for a second ahead.
SATURATED_RETRY_S = 2.0


class Acceptance(msgspec.Struct, frozen=True):
    """Where each operation stands: `finished` before this request, or owed by `row` as this worker last saw it.

    `row` is None if all are finished in a group that does not exist.
    """

    row: Row | None
    finished: Records
    fingerprints: Mapping[str, str]
    """The content that the ledger knows under each operation's id."""
    added: int = 0
    """How many of the records have become owed by this; the others were accepted before, and no answer is kept."""


def accept(visit: Visit, asked: Asked) -> Acceptance:
    """Make every operation owed, unless it is known.

    Raises NotAccepted if certainly nothing was accepted, and OutcomeUnknown if a write's answer was lost and no later
    read shows what became of it.
    """
    clock = visit.instance.clock
    # R11: the window of the records is known before anything is accepted.
    visit.instance.windows.notes(visit.group.app)
    # Wait for room no longer than the Retry-After that would be the answer instead.
    room_until = clock.monotonic() + FULL_RETRY_S
    may_begin = True
    while True:
        began = clock.monotonic()
        try:
            acceptance = _accepted(visit, asked, may_begin=may_begin)
        except RowFull:
            if may_begin and _moved_watermarks(visit):
                continue
            # The calls that make room need the app's rate more than this one, which waits for room.
            visit.turns.end()
            # A batch does not wait: it need not be accepted all at once.
            if len(asked.items) > 1 or not _waited_for_room(visit, room_until):
                raise
            may_begin = False
        except NoTurn:
            if not _waited_for_place(visit):
                raise
        else:
            visit.backoff.accepted_in(clock.monotonic() - began)
            return acceptance


def _moved_watermarks(visit: Visit) -> bool:
    """Whether there is more room now, because watermarks that an older row held have become records of their own."""
    has_moved = False
    row = visit.instance.ledger.load(visit.group)
    while row is not None and row.watermarks:
        smaller, watermarks = moved(row)
        follows = visit.put(Change(smaller, watermarks=watermarks))
        if not isinstance(follows, Row):
            break
        row, has_moved = follows, True
    return has_moved


def _waited_for_room(visit: Visit, until: float) -> bool:
    """Let other workers settle what they can; False if there is no time left for that."""
    has_time = visit.instance.clock.monotonic() < min(until, visit.budget.until)
    return has_time and visit.wait(visit.backoff.poll_s())


def _waited_for_place(visit: Visit) -> bool:
    """Wait until the sweep has made room for another acceptance; False if no place came in the time there is."""
    clock = visit.instance.clock
    while clock.monotonic() < visit.budget.accepts_until:
        wait_s = visit.turns.place_s()
        if not wait_s:
            return True
        clock.sleep(visit.backoff.jittered(wait_s))
    return False


def _accepted(visit: Visit, asked: Asked, *, may_begin: bool) -> Acceptance:
    """Try each path in turn, the fast one only if the row was not full a moment ago."""
    entries = asked.beyond(NO_WATERMARKS)
    try:
        done = (_begin(visit, entries) if may_begin else None) or _append(visit, asked, entries)
    except AnswerLost:
        return _swap_in(visit, asked, in_doubt=True)
    return done or _swap_in(visit, asked, in_doubt=False)


def _begin(visit: Visit, run: tuple[Entry, ...]) -> Acceptance | None:
    """The fast path: accept and open at once where the group is idle, if a call may follow right away."""
    instance, rules = visit.instance, visit.instance.rules
    limit = key_limit(rules.receipt_key)
    if (
        visit.is_paused(None)
        or not visit.may_call()
        or _turned_away(visit) is not None
        or instance.api_clock.ask_in_s() is not None
    ):
        return None
    if next_run(run, instance.values_cache.of(visit.group), limit) != run:
        return None
    if not fits(first_row(run, rules.receipt_key, generation=1), accepting_bytes(rules.row_bytes)):
        return None
    if visit.turns.wait_s() > 0:
        return None
    attempt = visit.new_attempt(choose_weight((), instance.chance), run[0].mode, run)
    generation = instance.generation.current().number
    row = instance.ledger.begin(visit.group, attempt, rules.receipt_key, generation, instance.pace())
    if row is None:
        visit.turns.give_back()
        return None
    visit.turns.use()
    return Acceptance(row, {}, _fingerprints(run), _records_of(run))


def _append(visit: Visit, asked: Asked, entries: tuple[Entry, ...]) -> Acceptance | None:
    """The slow path in one step, if the store can do that; None if it takes a read and a write.

    Where the store has come amid what was added up, the rest is added up again from there (R13).
    """
    if _turned_away(visit) is not None or not _may_leave_to_others(visit):
        return None
    bytes_max = accepting_bytes(visit.instance.rules.row_bytes)
    try:
        look = visit.instance.ledger.append(visit.group, entries, bytes_max)
        if look is not None and look.within:
            entries = asked.beyond(look.within)
            look = visit.instance.ledger.append(visit.group, entries, bytes_max)
    except RowFull:
        # The memory of past attempts gives way, but only to a row that is written whole (R13).
        return None
    if look is None or look.row is None or look.within:
        return None
    visit.turns.use_place(needed=_was_settled(look.row, entries))
    known = _known_fingerprints(look.row, look.records, asked.keyed)
    return Acceptance(look.row, look.records, known, _records_of(entries, but=look.passed))


def _swap_in(visit: Visit, asked: Asked, *, in_doubt: bool) -> Acceptance:
    """The slow path, round after round, because other workers may change the row at the same time.

    `in_doubt`: the answer of a write was lost. From then on no answer may say that nothing was accepted.
    """
    for _ in range(SWAPS_MAX):
        try:
            done = _round(visit, asked)
        except AnswerLost:
            done, in_doubt = None, True
        except NotAccepted:
            if in_doubt:
                raise OutcomeUnknown("the ledger's answer to an acceptance was lost") from None
            raise
        if done is not None:
            return done
        visit.instance.clock.sleep(visit.backoff.jittered(CONTENTION_S))
    if in_doubt:
        raise OutcomeUnknown("the ledger's answers to an acceptance were lost")
    raise TooManyCalls("too many others change this group at once", FULL_RETRY_S)


def _round(visit: Visit, asked: Asked) -> Acceptance | None:
    """Read the row, then records and watermarks, then append by compare-and-swap on its version; None: try again."""
    instance = visit.instance
    row = instance.ledger.load(visit.group)
    found = instance.ledger.find(visit.group, tuple(asked.keyed))
    known = _known_fingerprints(row, found, asked.keyed)
    # What this visit itself has put on record was not finished before.
    finished = {name: record for name, record in found.items() if name not in visit.answers}
    partitions = asked.partitions
    watermarks = instance.ledger.watermarks(visit.group, partitions) if partitions else NO_WATERMARKS
    entries = asked.beyond(reached(partitions, row, watermarks))
    fresh = [entry for entry in entries if entry.id not in known]
    if not fresh:
        return Acceptance(row, finished, known)
    rest = [] if row else fresh[REJECTED_AT_ONCE:]
    fresh = fresh if row else fresh[:REJECTED_AT_ONCE]
    if row is None and _refused(visit, fresh):
        return None
    grown = _grown(visit, row, fresh)
    if not _written(visit, row, grown):
        # Another worker was quicker: of many that come to a new group at once, all but one find its row now.
        return _append(visit, asked, entries)
    visit.turns.use_place(needed=row is None or row.is_settled)
    return None if rest else Acceptance(grown, finished, known | _fingerprints(fresh), _records_of(fresh))


def _refused(visit: Visit, entries: list[Entry]) -> bool:
    """Whether the group does not exist, and its rejections are on record: it needs no row for them (R14).

    A rejection that reaches its source by a note alone needs a row for the note (R6).
    """
    if any(entry.position or (entry.origin and not visit.teller) for entry in entries):
        return False
    if visit.is_paused(None) or _turned_away(visit) is not None:
        return False
    refusal = first_use.refused_before(visit)
    if refusal is None:
        return False
    answer = Rejected(refusal.code, refusal.info)
    records = {entry.id: record_of(entry, answer, visit.instance.clock.now()) for entry in entries}
    if visit.instance.ledger.refuse(visit.group, visit.lasting(records)):
        visit.answers.update(records)
        visit.report(Notice.REJECTED, len(records), code=refusal.code, **naming(records))
    # Else another worker has written a row or an answer: the next round finds it.
    return True


def _written(visit: Visit, row: Row | None, grown: Row) -> bool:
    """Write the row with what it owes now; a group's first row only if none of its operations is on record."""
    if row is not None:
        return visit.instance.ledger.swap(visit.group, grown, {})
    visit.is_first = visit.instance.ledger.create(visit.group, grown)
    return visit.is_first


def _fingerprints(entries: Iterable[Entry]) -> dict[str, str]:
    return {entry.id: entry.fingerprint for entry in entries}


def _records_of(entries: Iterable[Entry], but: Collection[str] = ()) -> int:
    """How many records of a stream these stand for."""
    return sum([entry.records for entry in entries if entry.position and entry.id not in but])


def _known_fingerprints(row: Row | None, finished: Records, entries: Mapping[str, Entry]) -> dict[str, str]:
    owed = {entry.id: entry.fingerprint for entry in row.owed if entry.id in entries} if row else {}
    return owed | {operation_id: record.fingerprint for operation_id, record in finished.items()}


def _grown(visit: Visit, row: Row | None, fresh: list[Entry]) -> Row:
    """The row with `fresh` in its queue, to which memory gives way (R13). Raises for a refused app or a full row."""
    instance = visit.instance
    turned_away = _turned_away(visit, row)
    if turned_away is not None:
        raise turned_away
    if (row is None or row.is_settled) and not _may_leave_to_others(visit, row):
        raise NoTurn("more groups wait for their calls than the sweep can serve soon", PLACE_RETRY_S)
    row = visit.new_row(fresh) if row is None else appended(row, fresh)
    whole = accepted(row, instance.rules.row_bytes)
    if whole is None:
        raise row_is_full()
    return visit.reported(whole)


def _turned_away(visit: Visit, row: Row | None = None) -> NotAccepted | None:
    """Why nothing new is accepted now: the vendor refuses the app, or the app's rate is used up.

    While there is a pause everything is accepted, because nothing is called (R15).
    """
    instance = visit.instance
    if visit.is_paused(row):
        return None
    refusal = instance.breaker.refusal()
    if refusal is not None:
        return AppRefused(refusal.code, refusal.info, instance.breaker.retry_after_s())
    if visit.budget.sheds and instance.updates.is_saturated():
        return TooManyCalls("the app's calls per second are used up", SATURATED_RETRY_S)
    return None


def _may_leave_to_others(visit: Visit, row: Row | None = None) -> bool:
    """Whether this visit can make the call of what it accepts, or has a place among the calls of others (R14)."""
    return visit.is_paused(row) or visit.waits_for_call or not visit.turns.place_s()


def _was_settled(row: Row, entries: Iterable[Entry]) -> bool:
    """Whether a row owes only what was just appended to it."""
    new = {entry.id for entry in entries}
    return row.attempt is None and not row.debt and all(entry.id in new for entry in row.queue)
