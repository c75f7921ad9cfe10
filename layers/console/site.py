"""The page's files, and what its script may ask for: operator events, and in the sandbox the scene.

What changes something is answered with the consequence that the commands name, until the request says it is agreed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final, TypeAlias

from layers.console.rules import refusal
from layers.operate import consent, table
from layers.operate.arguments import Event
from layers.operate.functions import Function, OperatorError

Fields: TypeAlias = dict[str, object]
Scene: TypeAlias = Callable[[Fields], object]

TASKS: Final = frozenset({"status", "inspect", "operation", "pause", "resume", "adopt", "release", "parked"})
"""What the page can ask of the function. The rest is for the commands alone."""

FILES: Final[Mapping[str, tuple[str, str]]] = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/console/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/console/page.css": ("page.css", "text/css; charset=utf-8"),
}

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Nothing runs or loads on the page but its own files, no other page may frame it, and no browser keeps it."""

_EXACT: Final = 2**53 - 1
"""The largest whole number that a script holds exactly."""

_WHOLE: Final = re.compile(r"-?[0-9]{1,20}")

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response, without its length."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Site:
    """The page over one function. `scene` answers what the sandbox's part of the page asks for."""

    def __init__(self, function: Function, token: str, scene: Scene | None = None) -> None:
        self._function = function
        self._token = token
        self._asked: Mapping[str, Scene] = {"/console/event": self._event, "/console/about": self._about}
        if scene is not None:
            self._asked = {**self._asked, "/console/scene": scene}
        # One event after the other: the function of a checkout gives standard output back when an event ends.
        self._lock = Lock()

    def answer(
        self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes, port: int
    ) -> Answer | None:
        """The response to a request at `port`; None if its path is none of the page's."""
        path = target.partition("?")[0]
        if path not in FILES and path not in self._asked:
            return None
        sent = {name.lower(): value for name, value in headers}
        if refused := refusal(method, sent, port, token=self._token):
            status, reason = refused
            return as_json(status, {"error": reason})
        if path in FILES and method == "GET":
            name, kind = FILES[path]
            return _answer(200, kind, (_FOLDER / name).read_bytes())
        if path in FILES or method != "POST":
            return as_json(405, {"error": "the page is read by GET, and asks by POST"})
        return self._answered(self._asked[path], body)

    @staticmethod
    def _answered(ask: Scene, body: bytes) -> Answer:
        try:
            fields = json.loads(body)
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            return as_json(400, {"error": "the body is no JSON object"})
        try:
            return as_json(200, ask(fields))
        except OperatorError as error:
            return as_json(502, {"error": str(error)})

    def _about(self, _: Fields) -> object:
        return {"function": self._function.name, "has_scene": "/console/scene" in self._asked}

    def _event(self, asked: Fields) -> object:
        fields = asked.get("event")
        if not isinstance(fields, dict) or str(fields.get("task")) not in TASKS:
            raise OperatorError(f"event: its task must be one of: {', '.join(sorted(TASKS))}")
        event: Event = {**fields, "Type": "Operator"}
        if isinstance(receipt := event.get("receipt"), str) and _WHOLE.fullmatch(receipt):
            event["receipt"] = int(receipt)
        consequence = consent.consequence_of(event)
        with self._lock:
            if consequence is not None and asked.get("agreed") is not True:
                return {"asks": consequence, "facts": consent.facts_of(self._function)}
            answer = self._function.invoke(event)
        if event["task"] != "status" or not isinstance(answer, dict):
            return {"answer": _for_script(answer)}
        return {"answer": _for_script(answer), "health": table.health(answer), "notes": table.notes(answer)}


def _for_script(value: object) -> object:
    """The answer with text in place of numbers that a script would round."""
    if isinstance(value, Mapping):
        return {name: _for_script(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_for_script(part) for part in value]
    return str(value) if isinstance(value, int) and abs(value) > _EXACT else value


def as_json(status: int, value: object) -> Answer:
    """A response that the page's script reads."""
    return _answer(status, "application/json", json.dumps(value, ensure_ascii=False).encode())


def _answer(status: int, kind: str, body: bytes) -> Answer:
    return Answer(status, (("Content-Type", kind), *HEADERS.items()), body)
