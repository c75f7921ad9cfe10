"""One warm instance of a function: a process of its own that serves one event at a time, and what it can suffer."""

import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final, Protocol, TypeAlias

from typing_extensions import Self

ROOT: Final = Path(__file__).resolve().parent.parent.parent
USUAL_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What the function returned, as it came through JSON."""

    value: object


@dataclass(frozen=True, slots=True)
class Failure:
    """How an invocation failed: what the function raised, or the platform's own words for its end."""

    type: str
    message: str
    trace: tuple[str, ...] = ()


Outcome: TypeAlias = Reply | Failure


class FunctionFailedError(Exception):
    """A failed invocation, for whoever asked for a reply."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a function's code lies and what runs it: by default this checkout, and the Python of the tests.

    `paths` are searched for modules, after what the interpreter is told by its `options`.
    """

    python: str = sys.executable
    code: Path = ROOT
    paths: tuple[Path, ...] = (ROOT,)
    options: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return os.pathsep.join(map(str, self.paths))


class FunctionProcess:
    """A process with exactly the environment given, in the folder of its code, its output added to files."""

    def __init__(
        self,
        place: Place,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        channels: Sequence[int] = (),
    ) -> None:
        with (folder / "stdout.log").open("ab") as output, (folder / "stderr.log").open("ab") as errors:
            self._process = subprocess.Popen(
                [place.python, *place.options, *command],
                cwd=place.code,
                env=dict(environment) | _measuring(),
                pass_fds=channels,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            )

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it has not ended."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end, and give the number of the signal that ended it, negative, or its exit code."""
        return self._process.wait()


class Runtime(Protocol):
    """A started process of a function, with whatever brings it its events."""

    @property
    def process(self) -> FunctionProcess:
        """The process."""

    def exchange(self, event: object, timeout_s: float) -> Outcome:
        """Hand an event over and wait for what becomes of it; a process that takes too long is killed."""

    def close(self) -> None:
        """Kill the process, if it still lives, and let go of all that belonged to it."""


class FunctionInstance(ABC):
    """An instance that is started by its first event, and anew by the first one after its end, as both clouds do it.

    `environment` holds the function's own variables; logs go to `folder`. Use it in a `with` block.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path, place: Place | None = None) -> None:
        self.place = place or Place()
        self.environment = dict(environment)
        self.folder = folder
        self.starts = 0
        self._runtime: Runtime | None = None
        self._one_at_a_time = Lock()
        folder.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def start(self) -> Runtime:
        """Start a process."""

    def invoke(self, event: object, timeout_s: float = USUAL_TIMEOUT_S) -> Outcome:
        """Serve one event, after those before it. A frozen instance is thawed for it."""
        with self._one_at_a_time:
            runtime = self._running()
            runtime.process.signal(signal.SIGCONT)
            return runtime.exchange(event, timeout_s)

    def handle(self, event: object, context: object) -> object:
        """Serve one event as a handler does, for whoever wants a function rather than an instance."""
        outcome = self.invoke(event)
        if isinstance(outcome, Failure):
            raise FunctionFailedError(f"{outcome.type}: {outcome.message}")
        return outcome.value

    def freeze(self) -> None:
        """Stop the process where it stands, as the clouds do between invocations."""
        self._current().process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._current().process.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the process this instant, whatever it is doing."""
        process = self._current().process
        process.signal(signal.SIGKILL)
        process.wait()

    @property
    def is_running(self) -> bool:
        return self._runtime is not None and self._runtime.process.is_alive

    @property
    def logs(self) -> str:
        """All that its processes wrote, and all that the platform wrote down for them."""
        return "".join(path.read_text("utf-8") for path in sorted(self.folder.glob("*.log")))

    @property
    def errors(self) -> str:
        return (self.folder / "stderr.log").read_text("utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._runtime is not None:
            self._runtime.close()

    def _running(self) -> Runtime:
        if self.is_running:
            return self._current()
        if self._runtime is not None:
            self._runtime.close()
        self._runtime = self.start()
        self.starts += 1
        return self._runtime

    def _current(self) -> Runtime:
        if self._runtime is None:
            raise ValueError("the instance has not been started by an event yet")
        return self._runtime


def _measuring() -> dict[str, str]:
    """What coverage, where it measures this run, passes to the processes of it."""
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
