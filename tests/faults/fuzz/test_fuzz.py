"""A bounded part of the fuzzing of the parsers, and that it would notice."""

import subprocess
import sys
import time
from importlib.util import find_spec

import pytest

from tests.faults.fuzz import fuzz

SEED = 6
RUNS = 1500


@pytest.mark.parametrize("name", sorted(fuzz.TARGETS))
def test_any_bytes_are_read_or_refused(name: str) -> None:
    fuzz.play(name, SEED, RUNS)


@pytest.mark.parametrize("name", sorted(fuzz.TARGETS))
def test_the_corpus_itself_is_good(name: str) -> None:
    """The mutations start from what is read, and not from what is refused at its first sign."""
    for text in fuzz.CORPUS[name]:
        fuzz.run(name, text.encode())


def test_an_exception_of_another_kind_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told with target, seed and input, so that it can be played again."""

    def broken(data: bytes) -> None:
        data.decode("ascii")

    monkeypatch.setattr(fuzz, "TARGETS", {"body": broken})
    with pytest.raises(AssertionError, match=r"^body, seed 6, input \d+: b'") as found:
        fuzz.play("body", SEED, RUNS)
    assert isinstance(found.value.__cause__, UnicodeDecodeError)


def test_an_input_that_takes_long_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """What grows with the square of the input is an attack."""
    monkeypatch.setattr(fuzz, "SLOWEST_S", 0.001)
    monkeypatch.setattr(fuzz, "TARGETS", {"body": lambda _: _busy(0.002)})
    with pytest.raises(AssertionError, match="body took"):
        fuzz.run("body", b"")


@pytest.mark.skipif(
    find_spec("atheris") is None, reason="atheris is not installed: see `python -m tests.faults.fuzz.fuzz --help`"
)
def test_libfuzzer_finds_nothing_in_a_few_seconds() -> None:
    """The same target, led by the branches that it reaches."""
    command = [sys.executable, "-m", "tests.faults.fuzz.fuzz", "--atheris", "--seconds", "5", "body"]
    process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert process.returncode == 0, process.stderr


def _busy(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
