"""Connections to one SQLite file: opened when needed, each used by one thread at a time, none open across a fork.

A forked child inherits SQLite's belief that this process holds locks on the file, while the system gives it none. What
it then writes, even over a connection of its own, can be lost to another process that opens the file
(sqlite.org/howtocorrupt.html, section 2.6). The only cure is to have the file closed while the process forks.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator

import msgspec


class _Open(msgspec.Struct, frozen=True):
    """A connection, and which file it belongs to (device and inode): the path may name another one by now."""

    connection: sqlite3.Connection
    identity: tuple[int, int] | None


class Connections:
    """Lends connections to the file at `path`, made by `connect`, and keeps those that come back in good order."""

    def __init__(self, path: str, connect: Callable[[], sqlite3.Connection]) -> None:
        self._path = path
        self._connect = connect
        self._idle: list[_Open] = []
        self._lent = 0
        self._paused = False
        self._changed = threading.Condition(threading.Lock())
        weakref.finalize(self, _close_all, self._idle)
        _pause_for_forks(self)

    @contextlib.contextmanager
    def lend(self) -> Iterator[sqlite3.Connection]:
        """A connection for one transaction; after any exception it is closed, and what was not committed undone."""
        idle = self._take()
        kept: _Open | None = None
        try:
            lent = self._current(idle)
            try:
                yield lent.connection
            except BaseException:
                _close(lent.connection)
                raise
            kept = lent
        finally:
            self._take_back(kept)

    def close(self) -> None:
        """Close the file, once the calls that are under way have ended; the next call opens it again."""
        self.pause()
        self.resume()

    def pause(self) -> None:
        """Close the file and keep it closed for every thread until `resume`."""
        self._changed.acquire()
        self._paused = True
        self._changed.wait_for(lambda: self._lent == 0)
        _close_all(self._idle)

    def resume(self) -> None:
        """Let calls open the file again; both processes do so after a fork."""
        self._paused = False
        self._changed.notify_all()
        self._changed.release()

    def _take(self) -> _Open | None:
        with self._changed:
            self._changed.wait_for(lambda: not self._paused)
            self._lent += 1
            return self._idle.pop() if self._idle else None

    def _take_back(self, kept: _Open | None) -> None:
        with self._changed:
            self._lent -= 1
            if kept is not None:
                self._idle.append(kept)
            self._changed.notify_all()

    def _current(self, idle: _Open | None) -> _Open:
        """The idle connection, unless its file was removed or replaced: other processes would never see its writes."""
        if idle is not None:
            if idle.identity is not None and idle.identity == _identity(self._path):
                return idle
            _close(idle.connection)
        connection = self._connect()
        return _Open(connection, _identity(self._path))


def _close_all(idle: list[_Open]) -> None:
    while idle:
        _close(idle.pop().connection)


def _close(connection: sqlite3.Connection) -> None:
    # The connection is being given up, and what broke it has been reported where it happened.
    with contextlib.suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    with contextlib.suppress(sqlite3.Error):
        connection.close()


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116  # a path object would cost more than the look itself
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _pause_for_forks(connections: Connections) -> None:
    """Pause around every fork of this process, for as long as `connections` is in use."""
    alive = weakref.ref(connections)

    def before() -> None:
        if target := alive():
            target.pause()

    def after() -> None:
        if target := alive():
            target.resume()

    # Windows cannot fork.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=after, after_in_child=after)
