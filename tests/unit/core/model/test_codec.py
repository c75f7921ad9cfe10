"""Rows and records as text: nothing is lost, and a row stays under 64 KiB."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from handler.core.errors import LaterVersion
from handler.core.model import codec, entry_codec
from handler.core.model.codec import decode_row, encode_row
from handler.core.model.entry_codec import decode_entry, encode_entry
from handler.core.model.operation import INT64_MAX, INT64_MIN, Mode, Origin, Position
from handler.core.model.outcome import Applied, Record, Rejected, Unknown, decode_record, encode_record
from handler.core.model.placed import Part, added_up
from handler.core.model.row import Attempt, Entry, Note, Pause, Remembered, Row, Trouble
from tests.unit.core.samples import BASE, attempt, entry, row


def settled_in(attempt: Attempt) -> st.SearchStrategy[Attempt]:
    """The attempt, of which another landing has settled some operations."""
    if not attempt.entries:
        return st.just(attempt)
    ids = st.sampled_from([entry.id for entry in attempt.entries])
    return st.frozensets(ids).map(lambda settled: replace(attempt, settled=settled))


TEXT = st.text(max_size=8)
INT64 = st.integers(INT64_MIN, INT64_MAX)
TIMES = st.integers(0, 2**40)
SECONDS = st.floats(0, 1e9)
COUNTERS = st.lists(st.tuples(TEXT, INT64), max_size=3).map(tuple)
DEBTS = st.lists(st.tuples(TEXT, st.integers()), max_size=3).map(tuple)
POSITIONS = st.none() | st.builds(Position.of, TEXT, st.integers(0, 10**56).map(str))
NAMES = st.sampled_from(["arn", "arn/shard:7", "ar", "n", "0"])
ORIGINS = st.none() | st.builds(
    Origin, source=NAMES, place=NAMES, caller=NAMES, key=NAMES, teller=st.sampled_from(["", "arn", "a visit"])
)
ENTRIES = st.builds(
    Entry,
    id=TEXT,
    fingerprint=TEXT,
    mode=st.sampled_from(Mode),
    counters=COUNTERS,
    window_s=SECONDS,
    alone=st.booleans(),
    position=POSITIONS,
    origin=ORIGINS,
    accepted_at=TIMES,
)


@st.composite
def stretches(draw: st.DrawFn) -> Entry:
    """What was added up of a stream's records."""
    entry, last = draw(ENTRIES), draw(st.integers(0, 10**56))
    numbers = st.integers(0, last).map(lambda number: Position.of("", str(number)).sequence)
    parts = tuple(draw(st.lists(st.builds(Part, COUNTERS, st.integers(1, 10**4), numbers, numbers), max_size=3)))
    counters = added_up(entry.mode, parts) if parts else entry.counters
    return replace(entry, position=Position.of("", str(last)), parts=parts, counters=counters)


RUNS = st.lists(ENTRIES | stretches(), max_size=3).map(tuple)
ATTEMPTS = st.builds(
    Attempt,
    id=TEXT,
    weight=st.integers(2**19, 2**20 - 1),
    mode=st.sampled_from(Mode),
    entries=RUNS,
    signed_at=TIMES,
    life_s=st.integers(2, 3600),
    base=INT64,
    correction=COUNTERS,
).flatmap(settled_in)
MEMORIES = st.builds(Remembered, ATTEMPTS, st.booleans(), DEBTS, st.booleans())
ROWS = st.builds(
    Row,
    version=TIMES,
    generation=TIMES,
    receipt_key=TEXT,
    base=st.none() | INT64,
    attempt=st.none() | ATTEMPTS,
    queue=RUNS,
    remembered=st.lists(MEMORIES, max_size=3).map(tuple),
    debt=DEBTS,
    frozen=st.none() | TEXT,
    first_seen_at=st.none() | TIMES,
    last_checked_at=TIMES,
    watermarks=st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple),
    keys=st.lists(st.tuples(TEXT, TIMES), max_size=3).map(tuple),
    notes=st.lists(st.builds(Note, ENTRIES, st.integers(), SECONDS), max_size=3).map(tuple),
    frozen_at=TIMES,
    paused=st.none() | st.builds(Pause, TIMES, TEXT),
    trouble=st.none() | st.builds(Trouble, TEXT, TIMES),
    called_ms=TIMES,
)
ANSWERS = st.one_of(
    st.builds(Applied, COUNTERS, st.booleans()), st.builds(Rejected, st.integers(), TEXT), st.builds(Unknown, TEXT)
)
RECORDS = st.builds(Record, TEXT, ANSWERS, SECONDS, SECONDS)


def size(row: Row) -> int:
    """What a ledger stores of a row, in bytes."""
    return len(encode_row(row).encode())


@given(ROWS)
def test_a_row_comes_back_as_it_was(row: Row) -> None:
    assert decode_row(encode_row(row).encode().decode()) == row


def test_a_stretch_of_records_is_written_without_its_sum_and_with_the_last_digits_of_its_numbers() -> None:
    """A row of this text may be stored for ever."""
    numbers = [Position.of("shard", f"{49 * 10**54 + number}") for number in (1, 12, 12, 345)]
    first, second, _, last = (position.sequence for position in numbers)
    parts = (Part((("like", 1),), 9, first, last), Part((("like", 5), ("gift", 2)), 1, second, second))
    origin = Origin(source="arn", place="arn/shard-1", caller="arn", key="arn/shard-1")
    counters = (("like", 14), ("gift", 2))
    owed = Entry(
        id="a", fingerprint="", mode=Mode.INCREASE, counters=counters, window_s=0.0, position=numbers[-1], parts=parts
    )
    owed = replace(owed, origin=origin, accepted_at=1_700_000_000)
    text = (
        f'["a","","Increase",[],0.0,{{"position":["{numbers[0].partition}","{last}"],"origin":["arn",["/shard-1"]],'
        '"parts":[[[["like",1]],9,"001",""],[[["like",5],["gift",2]],1,"012","012"]]},1700000000]'
    )
    assert encode_entry(owed) == text
    assert decode_entry(text) == owed


@given(RECORDS)
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    assert decode_record(encode_record(record).encode().decode()) == record


def test_each_operation_is_written_once() -> None:
    a, b = entry("a-first"), entry("b-second")
    past = Remembered(attempt(a, b, name="past"))
    text = encode_row(row(attempt(a), (b,), (past, past)))
    assert (text.count("a-first"), text.count("b-second")) == (2, 2)  # the id, and the fingerprint that is made of it
    assert decode_row(text) == row(attempt(a), (b,), (past, past))


def test_a_settled_operation_that_the_attempt_does_not_carry_is_left_out() -> None:
    odd = row(replace(attempt(entry("a")), settled=frozenset({"a", "z"})))
    assert decode_row(encode_row(odd)) == row(replace(attempt(entry("a")), settled=frozenset({"a"})))


BARE = '{"format":2,"version":1,"generation":1,"receipt_key":"_receipt"'


@pytest.mark.parametrize(
    "text",
    [
        BARE.replace("2", "3") + "}",
        BARE + ',"later":1}',
        BARE + ',"attempt":{"id":"a","weight":600000,"mode":"Set","time":1,"life":6,"later":1}}',
        BARE + ',"remembered":[{"id":"a","weight":600000,"mode":"Set","time":1,"life":6,"later":1}]}',
        BARE + ',"entries":[["a","v1:a","Set",[],1.0,{"later":1}]]}',
        BARE + ',"entries":[["a","v1:a","Set",[],1.0,{},1,1]]}',
        BARE + ',"entries":[["a","v1:a","Set",[],1.0,1]]}',
        '"later"',
        '{"format":2,"later":1}'.replace("later", "version"),
    ],
    ids=["format", "row", "attempt", "remembered", "entry", "longer entry", "another entry", "text", "lacking"],
)
def test_a_row_of_a_later_version_is_not_misread(text: str) -> None:
    """Rows never expire, so an older instance may meet one, and would write it without what it does not know."""
    with pytest.raises(LaterVersion, match=r"later|format 3|too many values|cannot be read"):
        decode_row(text)


@pytest.mark.parametrize("where", ['"format":1', '"id":"attempt"', '"id":"past"'], ids=["row", "attempt", "remembered"])
def test_a_field_that_no_row_of_format_1_has_is_not_lost(where: str) -> None:
    with pytest.raises(LaterVersion, match="later"):
        decode_row(FIRST_FORMAT.replace(where, f'{where},"later":1'))


FIRST_FORMAT = (
    '{"format":1,"version":7,"generation":2,"receipt_key":"_receipt","base":5000000,"entries":['
    '["a","v1:a","Increase",[["like",5]],3600.0],["é","v1:é","Set",[["gift",1]],3600.0]],'
    '"attempt":{"id":"attempt","weight":600000,"mode":"Increase","entries":[0],"time":1700000000,"life":6,'
    '"base":5000000,"correction":[],"settled":["a","z"]},"queue":[3],'
    '"remembered":[[{"id":"past","weight":600000,"mode":"Decrease","entries":[],"time":1700000000,"life":6,'
    '"base":5000000,"correction":[["like",1]],"settled":[]},true,[["share",2]],true]],'
    '"debt":[["share",2]],"frozen":"why","sighted":11,"looked":12,"sighted_in":13,"marks":[["place","0007"]],"keys":[["like",9]]}'
)


WRITTEN = (
    '{"format":2,"version":7,"generation":2,"receipt_key":"_receipt","base":5000000,"names":["like","share","gift"],'
    '"entries":[["a","v1:a","Increase",[[0,5]],3600.0],["é","v1:é","Set",[[2,1]],3600.0]],'
    '"attempt":{"id":"attempt","weight":600000,"mode":"Increase","time":1700000000,"life":6,'
    '"entries":[0],"base":5000000,"settled":[0]},"queue":[3],'
    '"remembered":[{"id":"past","weight":600000,"mode":"Decrease","time":1700000000,"life":6,'
    '"base":5000000,"correction":[[0,1]],"refused":true,"for_good":true,"folded":[[1,2]]}],'
    '"debt":[[1,2]],"frozen":"why","sighted":11,"looked":12,"sighted_in":13,"marks":[["place","0007"]],"keys":[[0,9]]}'
)


def rich_row(*settled: str) -> Row:
    past = Remembered(
        *(attempt(name="past", mode=Mode.DECREASE, correction=(("like", 1),)), True, (("share", 2),)), for_good=True
    )
    open_one = replace(attempt(entry("a")), settled=frozenset(settled))
    queue = (entry("é", Mode.SET, alone=True, gift=1),)
    return Row(
        version=7,
        generation=2,
        receipt_key="_receipt",
        base=BASE,
        attempt=open_one,
        queue=queue,
        remembered=(past,),
        debt=(("share", 2),),
        frozen="why",
        first_seen_at=11,
        last_checked_at=12,
        first_seen_generation=13,
        watermarks=(("place", "0007"),),
        keys=(("like", 9),),
    )


def test_a_row_is_written_as_deployed_ledgers_hold_it() -> None:
    """To the letter: a new version of the function meets the rows of the last one, and the other way round."""
    assert encode_row(rich_row("a")) == WRITTEN
    assert decode_row(WRITTEN) == rich_row("a")


def test_a_row_of_the_first_format_is_read() -> None:
    """As the last version of the function has written it; it is written again in the format of now."""
    assert decode_row(FIRST_FORMAT) == rich_row("a", "z")


LATEST = ',"keys":[["like",9]]'


@pytest.mark.parametrize("lacking", [LATEST, ',"sighted_in":13,"marks":[["place","0007"]]' + LATEST])
def test_a_row_of_an_earlier_version_is_read(lacking: str) -> None:
    assert lacking in FIRST_FORMAT
    read, whole = decode_row(FIRST_FORMAT.replace(lacking, "")), rich_row("a", "z")
    assert read == replace(whole, first_seen_generation=read.first_seen_generation, watermarks=read.watermarks, keys=())


def test_an_operation_of_the_first_format_may_go_out_alone() -> None:
    text = (
        '{"format":1,"version":1,"generation":1,"receipt_key":"_receipt","base":null,"entries":'
        '[["a","v1:a","Increase",[["like",1]],60.0]],"attempt":null,"queue":[1,0],"remembered":[],"debt":[],'
        '"frozen":null,"sighted":null,"looked":0,"sighted_in":0,"marks":[],"keys":[]}'
    )
    a = Entry(id="a", fingerprint="v1:a", mode=Mode.INCREASE, counters=(("like", 1),), window_s=60.0)
    assert decode_row(text) == Row(version=1, generation=1, receipt_key="_receipt", queue=(replace(a, alone=True), a))


def test_an_operation_is_written_as_deployed_ledgers_hold_it() -> None:
    text = '["é","v1:é","Decrease",[["like",-5]],3600.0]'
    assert encode_entry(entry("é", Mode.DECREASE, like=-5)) == text
    assert decode_entry(text) == entry("é", Mode.DECREASE, like=-5)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Applied((("é", 5),), observed_later=True), '"applied":[["é",5]],"later":true'),
        (Rejected(10010, "no such group"), '"rejected":10010,"info":"no such group"'),
        (Unknown("lost"), '"unknown":"lost"'),
    ],
    ids=["applied", "rejected", "unknown"],
)
def test_a_record_is_written_as_deployed_ledgers_hold_it(answer: Applied | Rejected | Unknown, text: str) -> None:
    record = Record("v1:a", answer, 1.5, 60.0)
    written = f'{{"fingerprint":"v1:a","at":1.5,"window":60.0,{text}}}'
    assert encode_record(record) == written
    assert decode_record(written) == record


SHAPES = {
    (
        codec,
        "_StoredRow",
    ): "format version generation receipt_key base names entries attempt queue remembered debt"
    " frozen sighted looked sighted_in marks keys notes frozen_at paused trouble called",
    (codec, "_StoredPast"): "id weight mode time life entries base correction settled refused for_good folded",
    (entry_codec, "_StoredEntry"): "id fingerprint mode counters window_s more accepted_at",
    (entry_codec, "_More"): "position origin parts",
    (entry_codec, "_StoredOrigin"): "source place teller caller key",
    (entry_codec, "_StoredPart"): "counters times first last",
}


def test_a_shape_that_changes_is_another_format() -> None:
    """Of a row that a store changes piece by piece an older version sees no more than the format (R17)."""
    assert codec.ROW_FORMAT == 2
    found = {at: " ".join(getattr(*at).__struct_encode_fields__) for at in SHAPES}
    assert found == SHAPES


def test_a_record_of_a_later_version_is_not_misread() -> None:
    with pytest.raises(LaterVersion, match="later"):
        decode_record('{"fingerprint":"v1:a","at":1.0,"window":1.0,"applied":[["like",5]],"later_field":1}')
    with pytest.raises(LaterVersion, match="another kind"):
        decode_record('{"fingerprint":"v1:a","at":1.0,"window":1.0}')
