"""The parsers under random bytes: each target takes any bytes, and they are read or refused in our own words.

`make fuzz` mutates a corpus for a bounded time, with a seed. With `--atheris`, where that package is installed (Python
3.11 and 3.13), libFuzzer does it instead, led by the branches of `handler` that it reaches.
"""

import argparse
import json
import random
import sys
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from handler.chat.response import reply_of
from handler.chat.transport import Answer
from handler.config import ledger_url
from handler.config.settings import Settings
from handler.core.errors import BadInput, CounterError, SettingsError
from handler.core.model.operation import INT64_MAX, INT64_MIN
from handler.core.ports.counter_api import Counted, Refused, Unclear
from handler.core.ports.vault import Secret
from handler.core.runtime.windows import Horizon, first_notes
from handler.triggers.event_kind import detect
from handler.triggers.http.headers import read_wait_s
from handler.triggers.idempotency_key import read_key
from handler.triggers.operator.requests import read_request
from handler.triggers.rights import RecordRights
from handler.triggers.sources.message import read_operation
from handler.triggers.sources.records import RecordReader, source_and_records
from handler.triggers.timer.tick import read_tick
from handler.vault.secret import parse

MARK: Final = "hunter2-hunter2"
"""Stands for what is secret in the corpus: no error may show it."""

SLOWEST_S: Final = 2.0
"""Far more than any target needs for the longest text here, on a machine that is busy with other tests."""

LONGEST: Final = 64 * 1024
NOW: Final = 1_795_305_600.0


def _signed_well(text: str) -> None:
    """Every page is taken for the timer's own, so that what it says is read."""


HORIZON: Final = Horizon(first_notes(3600.0, NOW, has_rows=False), 3600.0, NOW)
RIGHTS: Final = RecordRights(lambda: Secret(1, "administrator", MARK), NOW)

Target = Callable[[bytes], None]


def body(data: bytes) -> None:
    """A record's text, which is an HTTP body with two fields more."""
    with suppress(BadInput):
        operation = read_operation(_text(data), "key", "caller", "_receipt", 3600.0)
        keys = [key for key, _ in operation.counters]
        assert 1 <= len(keys) <= 19
        assert len(set(keys)) == len(keys)
        assert "_receipt" not in keys
        assert all(1 <= len(key.encode()) <= 128 for key in keys)
        assert all(INT64_MIN <= value <= INT64_MAX for _, value in operation.counters)
        assert 1 <= len(operation.group_id.encode()) <= 256
        assert operation.group_id.isprintable()


def event(data: bytes) -> None:
    """Any event that is no HTTP request: recognised and read, nothing done."""
    with suppress(ValueError, RecursionError, CounterError):
        kind, content = detect(json.loads(data))
        if kind.name == "TIMER":
            read_tick(content, "_receipt", 3600.0, NOW)
        elif kind.name == "OPERATOR":
            read_request(content)
        elif kind.name in {"RECORDS", "KAFKA", "PIPES", "EVENTBRIDGE"}:
            source, records = source_and_records(kind, content)
            if source is not None:
                reader = RecordReader(source, "_receipt", 3600.0, HORIZON, _signed_well, RIGHTS, "")
                each = [reader.read(record) for record in records]
                read = [held for record in each for held in record]
                if queue := reader.queue_reader():
                    at_once = zip(queue.read(records), each, strict=True)
                    assert all(found is None or [found] == [held.request for held in alone] for found, alone in at_once)
                # A parked record goes into the log and the ledger: in UTF-8, and of bounded length.
                assert all(len(f"{record.id}{record.source}".encode()) < 4 * LONGEST for record in read)


def reply(data: bytes) -> None:
    """What the vendor answers: only a reply that says it all is believed."""
    said = reply_of(Answer(data, "Sun, 22 Nov 2026 10:20:30 GMT"), ["like"], [MARK])
    assert isinstance(said, Counted | Refused | Unclear)
    if isinstance(said, Counted):
        assert type(said.values["like"]) is int
    elif isinstance(said, Refused):
        assert MARK not in said.info
        assert len(said.info.encode()) <= 4 * 256


def date(data: bytes) -> None:
    said = reply_of(Answer(b'{"ErrorCode": 0, "GroupCounter": []}', _text(data)), [], [])
    assert isinstance(said, Counted)


def secret(data: bytes) -> None:
    try:
        read = parse(_text(data))
    except SettingsError as error:
        _hides(str(error))
    else:
        _hides(repr(read))
        assert read.key.isascii()


def url(data: bytes) -> None:
    try:
        read = ledger_url.read(_text(data))
    except SettingsError as error:
        _hides(str(error))
    else:
        if isinstance(read, ledger_url.RedisUrl) and read.authorities is None:
            _hides(repr(read))


def variables(data: bytes) -> None:
    names = Settings.__dataclass_fields__.keys() | {"CHAT_TIMEOUT_S", "SIGNATURE_LIFE_S", "CLOCK_GUARD_S", "WAIT_S"}
    given = {name.upper(): _text(data) for name in names if name != "chat_secret"}
    with suppress(SettingsError):
        Settings.read({"CHAT_SECRET": "env:S", **given})


def headers(data: bytes) -> None:
    with suppress(BadInput):
        assert 1 <= len(read_key(_text(data))) <= 255
    assert 0 <= read_wait_s(_text(data), 5.0) <= 5.0


TARGETS: Final[Mapping[str, Target]] = {
    made.__name__: made for made in (body, event, reply, date, secret, url, variables, headers)
}

_COUNTERS = '[{"Key": "like", "Value": 1}]'
_TICK = '{"Type": "Timer", "TriggerName": "t", "Time": "2026-11-22T00:00:00Z", "Message": {"operations": [%s]}}'
_STREAM = '"eventSource": "aws:dynamodb", "eventSourceARN": "a", "eventID": "e"'
_BODY = f'{{"GroupId": "room", "GroupCounter": {_COUNTERS}, "Mode": "Set", "Caller": "c", "IdempotencyKey": "k"}}'
_IMAGE = '{"NewImage": {"GroupId": {"S": "room"}, "a": {"L": [{"N": "1"}]}}, "SequenceNumber": "1"}'
_RIGHTS = (
    f'"name": "n", "token": "{MARK}", "may": [{{"modes": ["Set"], "groups": ["a*"], "keys": ["k"], "at_most": 1}}], '
    '"read": ["*"], "calls_per_second": 2.5, "not_after": "2027-01-01T00:00:00Z"'
)
_SOURCES = '{"arn": {"callers": ["n"], "may": [{"groups": ["*"]}]}}'
CORPUS: Final[Mapping[str, Sequence[str]]] = {
    "body": [_BODY],
    "event": [
        _TICK % f'{{"GroupIds": ["room"], "GroupCounter": {_COUNTERS}, "Mode": "Set"}}',
        '{"Type": "Operator", "task": "release", "GroupId": "room", "keys": [], "verdicts": {"a": "landed"}}',
        f'{{"Records": [{{{_STREAM}, "dynamodb": {_IMAGE}}}]}}',
        '{"Records": [{"eventSource": "aws:sqs", "messageId": "m", "eventSourceARN": "a", "body": "{}"}]}',
        '{"Records": [{"Ckafka": {"topic": "t", "partition": 1, "offset": 2, "msgBody": "{}"}}]}',
        '{"eventSource": "aws:kafka", "eventSourceArn": "a", "records": {"t-0": [{"topic": "t", "value": "e30="}]}}',
        f'{{"id": "e", "source": "s", "detail-type": "t", "time": "2026-11-22T00:00:00Z", "detail": {_BODY}}}',
    ],
    "reply": [
        f'{{"ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": "", "GroupCounter": {_COUNTERS}}}',
        f'{{"ActionStatus": "FAIL", "ErrorCode": 10010, "ErrorInfo": "{MARK} usersig={MARK}"}}',
    ],
    "date": ["Sun, 22 Nov 2026 10:20:30 GMT", "Sunday, 22-Nov-26 10:20:30 GMT", "22 Nov 2026 10:20:30 +0200 (x)"],
    "secret": [
        f'{{"sdkappid": 1, "identifier": "a", "key": "{MARK}", "callers": [{{"name": "n", "token": "{MARK}"}}]}}',
        f'{{"sdkappid": 1, "identifier": "a", "key": "{MARK}", "callers": [{{{_RIGHTS}}}], "sources": {_SOURCES}}}',
    ],
    "url": [
        f"redis://u:{MARK}@[::1]:6379/0?wait=1&cluster=true",
        "dynamodb://table?region=eu-west-1&endpoint=http%3A%2F%2Fh%3A1&create=true",
        "sqlite:////var/ledger.db?synchronous=normal",
    ],
    "variables": ["http://host:80/path", "6", "5.5", "_receipt", "on", "/chat"],
    "headers": ['"a \\"quoted\\" key"', "wait=2, respond-async", 'a="b" ; c=d, wait = 1'],
}
TOKENS: Final = (
    *("{", "}", "[", "]", ":", ",", '"', "\\", "\\ud800", "\\u0000", "\0", "\r\n", " ", "\t", "=", ";", "%00"),
    *("@", "#"),
    *("null", "true", "NaN", "Infinity", "-1", "1e999", "1.0", "9" * 30, "9" * 5000, str(2**63), str(-(2**63) - 1)),
    *("[" * 2000, '{"a":' * 2000, " " * 5000, "a" * 300, "é" * 65, "\ud800", "\udc80", "\ufeff", "\u202e", "\u0661"),
    *('"GroupId"', '"Key"', '"Value"', '"Type"', '"ErrorCode"', '"Records"', '"NewImage"', '"M"', '"L"', '"N"'),
)


def mutated(seeds: Sequence[str], chance: random.Random) -> bytes:
    """One of the texts with some pieces cut out, doubled, moved or put in."""
    text = chance.choice(seeds)
    for _ in range(chance.randint(0, 6)):
        begin, end = sorted(chance.randint(0, len(text)) for _ in range(2))
        piece = chance.choice(["", text[begin:end], text[begin:end] * 2, chance.choice(TOKENS), chance.choice(TOKENS)])
        end = begin if chance.random() < 0.5 else min(end, begin + 8)
        text = (text[:begin] + piece + text[end:])[:LONGEST]
    data = text.encode(errors="surrogatepass")
    if chance.random() < 0.1 and data:
        place = chance.randrange(len(data))
        data = data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
    return data


def run(name: str, data: bytes) -> None:
    """One input to one target; AssertionError where it takes too long."""
    begun = time.thread_time()
    TARGETS[name](data)
    took_s = time.thread_time() - begun
    assert took_s < SLOWEST_S, f"{name} took {took_s:.1f} s"


def play(name: str, seed: int, runs: int) -> None:
    """Give a target `runs` inputs; the seed and the target decide them. A failure shows the input."""
    chance = random.Random(seed ^ zlib.crc32(name.encode()))
    for number in range(runs):
        data = mutated(CORPUS[name], chance)
        try:
            run(name, data)
        except Exception as error:
            raise AssertionError(f"{name}, seed {seed}, input {number}: {data[:2000]!r}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz the targets that are named, or all of them one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz.fuzz", description=main.__doc__)
    parser.add_argument("targets", nargs="*", metavar="target", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first thousand inputs (default %(default)s)")
    parser.add_argument("--atheris", action="store_true", help="led by coverage, where atheris is installed")
    options = parser.parse_args(arguments)
    chosen = options.targets or list(TARGETS)
    if unknown := set(chosen) - TARGETS.keys():
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if options.atheris:
        return (
            _led(chosen[0], options.seconds, options.seed)
            if len(chosen) == 1
            else parser.error("--atheris wants one target")
        )
    for name in chosen:
        end, seed = time.monotonic() + options.seconds, options.seed
        while time.monotonic() < end:
            play(name, seed, runs=1000)
            seed += 1
        print(f"{name}: {(seed - options.seed) * 1000} inputs, seeds {options.seed} to {seed - 1}, nothing found")
    return 0


def _led(name: str, seconds: float, seed: int) -> int:
    """Let libFuzzer find the inputs of one target: it ends the process itself."""
    try:
        import atheris
    except ModuleNotFoundError:
        print("atheris is not installed here: pip install atheris, on Python 3.11 or 3.13", file=sys.stderr)
        return 1
    # What is to lead it has to be imported under its eyes, so all of the function is imported once more.
    for module in [module for module in sys.modules if module.partition(".")[0] == "handler"]:
        del sys.modules[module]
    with atheris.instrument_imports(include=["handler"]):
        targets: Mapping[str, Target] = import_module("tests.faults.fuzz.fuzz").TARGETS
    with TemporaryDirectory() as folder:
        for number, text in enumerate(CORPUS[name]):
            (Path(folder) / str(number)).write_text(text, "utf-8")
        limits = [f"-max_total_time={seconds:.0f}", f"-max_len={LONGEST}", f"-seed={seed}"]
        atheris.Setup([sys.argv[0], *limits, folder], targets[name])
        atheris.Fuzz()
    return 0


def _hides(shown: str) -> None:
    assert MARK not in shown


def _text(data: bytes) -> str:
    """The bytes as JSON might spell them: half of a surrogate pair included."""
    try:
        return data.decode(errors="surrogatepass")
    except UnicodeDecodeError:
        return data.decode("latin-1")


if __name__ == "__main__":
    sys.exit(main())
