"""Computes the truth from the vendor's log alone, and compares it with what callers were told.

It shares no code with the core: it knows no rows, no attempts and no weights. Operation number n moves its counters by
one in the n-th digit of base 64, so each line of the log tells by itself how often it carried which operation.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from tests.faults.auditor.counting import count, counts_now, digit, is_countable, is_hidden, lowers, most, values_hold
from tests.faults.auditor.evidence import (
    ABSENT,
    APPLIED,
    FINAL,
    FROZEN,
    NOT_ACCEPTED,
    REJECTED,
    REUSED,
    WAITING,
    Asked,
    Facts,
    Told,
)
from tests.faults.auditor.lanes import audit_order
from tests.faults.auditor.twins import audit_origins, audit_twins, twins_among
from tests.faults.world.vendor import CALL, DISMISSED, Landing

# Whoever has opened an attempt before the group froze may still send it, for as long as signatures live.
UNDER_WAY_S = 8.0

# A moment that is told in whole seconds may be so much later.
WHOLE_S = 1.0

# Whoever has seen that a group is gone deletes its row within so long.
DELETED_WITHIN_S = 2.0

# Every instance knows of a pause after so long.
OBEYED_S = 10.0

COUNTERS_MAX = 20

# From here on a Decrease cannot bring the receipt below zero, whatever else lands.
LIFTED_BELOW = 1 << 32

# How many lost calls in a row are reckoned with: somewhat fewer than the ledger keeps in mind.
ROW_MAX = 5


def audit(asked: Sequence[Asked], log: Sequence[Landing], facts: Facts) -> Iterator[str]:
    if not facts.finished:
        yield "not everything was finished although the faults had stopped"
    if facts.conflicts and not facts.restored:
        yield "a stored answer was given in two ways"
    if facts.frozen and not facts.inexplicable:
        yield "a group was frozen although everything can be explained"
    if facts.frozen and not facts.hushed and "group_frozen" not in facts.notices:
        yield "a group was frozen without a notice"
    for base, receipt in facts.receipts.values():
        if base != receipt and not (facts.dismissed or facts.tampered or facts.restored):
            yield f"the ledger stands on {base}, the receipt on {receipt}"
    yield from _audit_calls(asked, log, facts)
    yield from _audit_receipts(log, facts)
    yield from _audit_expiry(log, facts)
    yield from audit_origins(asked, facts)
    yield from audit_order(log, facts)
    twins = twins_among(asked)
    for ones in twins:
        yield from audit_twins(ones, [line for line in log if line.group == ones[0].group], facts)
    joint = {ones[0].index for ones in twins}
    for one in asked:
        lines = [line for line in log if line.group == one.group]
        yield from (_audit_twin if one.index in joint else _audit_one)(one, lines, log, facts)
    if len(asked) > 1:
        yield from _audit_together(asked, log, facts)


def _audit_calls(asked: Sequence[Asked], log: Sequence[Landing], facts: Facts) -> Iterator[str]:
    """None to a group that is frozen or paused, none too soon, and none with more counters than a group has."""
    if any(line.kind == CALL and len(line.values) > COUNTERS_MAX for line in log):
        yield "a call carried more counters than a group has"
    # A copy that is put back may be of before the group froze.
    frozen_at = min((told.at for one in asked for told in one.told if told.kind == FROZEN), default=None)
    if (
        frozen_at is not None
        and not (facts.hushed or facts.restored)
        and any(line.kind == CALL and line.sent > frozen_at + UNDER_WAY_S for line in log)
    ):
        yield "a call was made to a group that was known to be frozen"
    if any(began + OBEYED_S < sent < ended for began, ended in facts.pauses for sent in facts.sent):
        yield "a call was sent during a pause"
    if _is_hurried(log, facts):
        yield "a call followed lost ones too soon"
    calls = [line.sent for line in log if line.kind == CALL and line.values.keys() != {facts.receipt_key}]
    if facts.apart_s and any(later - earlier < facts.apart_s for earlier, later in pairwise(calls)):
        yield "a call followed another one of its group too soon"


def _is_hurried(log: Sequence[Landing], facts: Facts) -> bool:
    """Whether lost calls did not follow one another at distances that double from the bound, up to a minute.

    Whatever lands between two of them ends the row; it may be noticed while the second one is under way, which then has
    no part in the next row. So it is with the first one where a call before it has landed late.
    """
    first_sent = facts.failed[0][1] if facts.failed else 0.0
    in_a_row = -1 if any(line.kind == CALL and line.sent + facts.bound_s < line.at <= first_sent for line in log) else 0
    for (earlier, _), (later, sent) in pairwise(facts.failed):
        landed = any(line.kind == CALL and earlier <= line.at <= sent for line in log)
        in_a_row = -1 if landed else min(in_a_row + 1, ROW_MAX)
        least_s = max(facts.bound_s, min(60, facts.bound_s * 2 ** (in_a_row - 1))) if in_a_row > 0 else 0.0
        if later - earlier < int(least_s):
            return True
    return False


def _audit_receipts(log: Sequence[Landing], facts: Facts) -> Iterator[str]:
    """The receipt is never brought below zero, and moved alone only where it has to be lifted before a Decrease.

    A Set that comes late or again puts an old receipt in the place of a lifted one, and so does a group made anew.
    """
    if facts.dismissed or (facts.broken and any(line.mode == "Set" for line in log)):
        return
    for line in (line for line in log if line.kind == CALL and facts.receipt_key in line.values):
        value, before = line.values[facts.receipt_key], line.before[facts.receipt_key]
        after = {"Set": value, "Increase": before + value, "Decrease": before - value}[line.mode]
        if after < 0 and line.mode != "Increase":
            yield f"a {line.mode} brought the receipt to {after}"
        if len(line.values) == 1 and line.mode != "Increase":
            yield f"a {line.mode} carried nothing but the receipt"
        if len(line.values) == 1 and after < LIFTED_BELOW:
            yield f"a receipt was lifted no higher than {after}"
        if len(line.values) == 1 and before >= LIFTED_BELOW and not (facts.broken or facts.tampered):
            yield f"a receipt that stood on {before} was lifted"


def _audit_expiry(log: Sequence[Landing], facts: Facts) -> Iterator[str]:
    """A row expires only while its group is away, and has been for as long as answers are kept.

    Whoever has looked deletes the row a moment later, unless it is held up.
    """
    for at in facts.expired:
        gone_at = max((line.at for line in log if line.kind == DISMISSED and line.at <= at), default=at)
        if any(gone_at < made < at - DELETED_WITHIN_S for made in facts.made) and not facts.straggles:
            yield "the row of a group that is there has expired"
        if at < gone_at + facts.kept_s - WHOLE_S:
            yield "a row has expired before its group had been gone for as long as answers are kept"


def _audit_twin(one: Asked, lines: list[Landing], log: Sequence[Landing], facts: Facts) -> Iterator[str]:
    """What was told of one of several that the log cannot tell apart."""
    final = [told for told in one.told if told.kind in FINAL]
    yield from _audit_answers(one, final, facts)
    if is_countable(one):
        yield from _audit_promises(one, [count(one, line) for line in lines], lines, log, final)


def _audit_one(one: Asked, lines: list[Landing], log: Sequence[Landing], facts: Facts) -> Iterator[str]:
    counts = [count(one, line) for line in lines]
    final = [told for told in one.told if told.kind in FINAL]
    yield from _audit_answers(one, final, facts)
    if not is_countable(one):
        return
    yield from _audit_parking(one, counts, lines, facts)
    if not facts.broken and most(counts, lines) > 1:
        yield f"{one.name} landed twice"
    yield from _audit_promises(one, counts, lines, log, final)
    if not (facts.broken or facts.restored or facts.tampered):
        yield from _audit_refusals(one, counts, log, final)
    yield from _audit_lies(one, counts, log, final, facts)
    if one.group in facts.frozen or facts.dismissed or (facts.broken and (facts.tampered or one.mode == "Set")):
        return
    if facts.broken and (facts.restored or is_hidden(counts, lines)):
        return
    if any(counts):
        callers = [told.kind for told in one.told if not told.at_last]
        if len(callers) == one.asks and set(callers) == {NOT_ACCEPTED}:
            yield f"{one.name} was called not accepted by everybody, and landed"
    net, want = sum(counts), _wanted(one, final, facts)
    if net not in want:
        yield f"{one.name} counts {net} times in the end, not {' or '.join(map(str, want))}"
    if (
        sum(map(abs, counts)) > 1
        and not facts.hushed
        and not facts.notices & {"late_landing_corrected", "refusal_disproved"}
    ):
        yield f"{one.name} landed late and nobody was told"


def _audit_answers(one: Asked, final: list[Told], facts: Facts) -> Iterator[str]:
    """Each replay is equal to the first answer, and nothing is refused without a reason."""
    if any(told.kind == REJECTED for told in final) and not _may_be_refused(one, facts):
        yield f"{one.name} was refused for good although nothing is wrong with it"
    kinds = [(told.kind, told.at_last) for told in one.told]
    if (ABSENT, True) in kinds and any(kind == WAITING for kind, _ in kinds) and not facts.restored:
        yield f"{one.name} was accepted, and is gone"
    contents = {(told.kind, None if facts.restored else told.content) for told in final}
    if len(contents) > 1 and not facts.restored:
        yield f"{one.name} was answered in {len(contents)} ways: {sorted(map(str, contents))}"


def _may_be_refused(one: Asked, facts: Facts) -> bool:
    """Whether the API may say no to what was asked for; what else its call carried, the receipt too, is no reason."""
    named = facts.forbidden in {key for key, _ in one.counters}
    return facts.refuses or named or (facts.scarce and lowers(one))


def _audit_parking(one: Asked, counts: list[int], lines: list[Landing], facts: Facts) -> Iterator[str]:
    """What its source has acknowledged has landed, or was parked with all of it, and stays dropped once it was."""
    if one.place in facts.parked:
        content, reason = facts.parked[one.place]
        if content != (one.mode, one.counters) or not reason:
            yield f"{one.name} is parked as {content} because of {reason!r}"
        if counts_now(counts, lines) and not (facts.broken or facts.restored):
            yield f"{one.name} was parked, and counts"
    elif one.acknowledged and not (any(counts) or one.given_back or one.place in facts.given_up):
        is_owed = one.group in facts.frozen or facts.restored or not facts.finished
        if not is_owed:
            yield f"{one.name} was acknowledged, and is gone"
    dropped_at = facts.given_up.get(one.place)
    # A copy does not know that the operation was refused, so it is refused again.
    if one.place not in facts.parked or dropped_at is None or facts.straggles or facts.restored:
        return
    if not any(told.at >= dropped_at for told in one.told):
        yield f"{one.name} was parked again after an operator had dropped it"


def _audit_promises(
    one: Asked, counts: list[int], lines: list[Landing], log: Sequence[Landing], final: list[Told]
) -> Iterator[str]:
    """No 200 before it has landed, and only values that were true."""
    for told in {told.content: told for told in reversed(final) if told.kind == APPLIED}.values():
        if told.values.keys() != {key for key, _ in one.counters}:
            yield f"{one.name} was told {sorted(told.values)}, which are not the counters that it names"
        before = [line for line in log[: told.lines] if line.group == one.group]
        if not any(counts[: len(before)]):
            yield f"{one.name} was called applied before it had landed"
        elif not values_hold(one, told, counts[: len(before)], before):
            yield f"{one.name} was told {dict(told.values)}, which was never true"


def _audit_refusals(one: Asked, counts: list[int], log: Sequence[Landing], final: list[Told]) -> Iterator[str]:
    """What was refused for good is not counted afterwards."""
    for told in final:
        before = sum(line.group == one.group for line in log[: told.lines])
        if told.kind == REJECTED and any(counts[before:]):
            yield f"{one.name} was refused for good, and counted afterwards"
            return


def _audit_lies(
    one: Asked, counts: list[int], log: Sequence[Landing], final: list[Told], facts: Facts
) -> Iterator[str]:
    """A refusal is not believed before the receipt has been read: one that lies is found out then."""
    if not facts.lied or facts.restored or facts.tampered:
        return
    for told in final:
        before = sum(line.group == one.group for line in log[: told.lines])
        if told.kind == REJECTED and any(counts[:before]):
            yield f"{one.name} was refused for good although its call had counted"
            return


def _wanted(one: Asked, final: list[Told], facts: Facts) -> tuple[int, ...]:
    """How often it may count in the end, by what was told.

    A refusal that a copy has forgotten is no promise, nor is one because of a key that the copy does not know.
    """
    was_parked = one.place in facts.parked or one.place in facts.given_up
    if facts.restored and (was_parked or (final and final[-1].kind in {REJECTED, REUSED})):
        return (0, 1)
    if was_parked:
        return (0,)
    if final:
        return (1,) if final[-1].kind == APPLIED else (0,)
    if one.by_stream and not (facts.restored or _may_be_refused(one, facts)):
        # Its source goes on once it has been taken, and nobody asks after it again: it has to count.
        return (1,) if any(told.kind in {WAITING, FROZEN} for told in one.told) else (0, 1)
    return (0, 1)


def _audit_together(asked: Sequence[Asked], log: Sequence[Landing], facts: Facts) -> Iterator[str]:
    yield from _audit_rivals(asked, facts)
    if not facts.broken:
        yield from _audit_shares(asked, log, facts)


def _audit_rivals(asked: Sequence[Asked], facts: Facts) -> Iterator[str]:
    """Of several contents under one key only one is executed; a copy may have forgotten that one was refused.

    Where the group was made anew as well, nothing is left that tells of the one which a copy has forgotten.
    """
    if facts.restored and facts.dismissed:
        return
    executed = {APPLIED} if facts.restored else {APPLIED, REJECTED}
    taken: dict[tuple[str, str], list[Asked]] = {}
    for one in asked:
        if any(told.kind in executed for told in one.told):
            taken.setdefault((one.group, one.name.partition(" ")[0]), []).append(one)
    for rivals in taken.values():
        if len(rivals) > 1:
            yield f"one key was executed with {len(rivals)} contents"


def _audit_shares(asked: Sequence[Asked], log: Sequence[Landing], facts: Facts) -> Iterator[str]:
    """Of two operations that one call carried, exactly one was told a value with the other's share in it.

    What a copy has forgotten lands once more where its group was made anew, and was told of its first landing.
    """
    joint = {ones[0].index for ones in twins_among(asked)}
    replied = [(one, told) for one in asked if one.index not in joint and (told := _replied(one)) is not None]
    if facts.restored and facts.dismissed:
        replied = [(one, told) for one, told in replied if sum(count(one, line) for line in log) == 1]
    for (one, told), (other, other_told) in combinations(replied, 2):
        shared = [key for key in told.values if key in other_told.values]
        for line in (line for line in log if shared and count(one, line) and count(other, line)):
            if line.cut_off:
                continue
            key = shared[0]
            includes = digit(abs(told.values[key] - line.before[key]), other.index) != 0
            is_included = digit(abs(other_told.values[key] - line.before[key]), one.index) != 0
            if includes == is_included:
                yield f"{one.name} and {other.name} were told values of no order"


def _replied(one: Asked) -> Told | None:
    """What was told of a landing by its own reply."""
    return next((told for told in one.told if told.kind == APPLIED and not told.later and one.mode != "Set"), None)
