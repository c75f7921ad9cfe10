"""Rules that keep secrets out of sight, read from the source: how they are compared, and what shows them."""

import ast
import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from pydantic import BaseModel

import handler

SOURCES = {path.as_posix(): path.read_text("utf-8") for path in sorted(Path("handler").rglob("*.py"))}

# The names that secrets, and what is computed from them, have in this code.
SECRETIVE = re.compile(r"(^|_)(token|sha256|digest|hexdigest|signatures?|usersig|secret|password|expected)(_|$)")

# Fields that hold a secret, or a text in which somebody may have put one.
HIDDEN = {"chat_secret", "ledger_url", "token", "token_sha256", "environ", "_body"}
HIDDEN_IN = {
    "Secret": {"key", "callers"},
    "_Secret": {"key"},
    "RedisUrl": {"url"},
    "Request": {"context", "headers", "query"},
}


def open_comparisons(source: str) -> list[str]:
    """Every comparison by value of something secret, which takes the longer the more of it is right."""
    compared = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Compare)]
    by_value = ast.Eq | ast.NotEq | ast.In | ast.NotIn | ast.Lt | ast.LtE | ast.Gt | ast.GtE
    return [
        ast.unparse(node)
        for node in compared
        if any(isinstance(operator, by_value) for operator in node.ops)
        and any(SECRETIVE.search(_name(operand)) for operand in (node.left, *node.comparators))
    ]


def _name(operand: ast.expr) -> str:
    """What a value is called where it is compared; a call is called like what makes it."""
    if isinstance(operand, ast.Call):
        return _name(operand.func)
    if isinstance(operand, ast.Attribute):
        return operand.attr
    return operand.id if isinstance(operand, ast.Name) else ""


def test_secrets_are_compared_in_constant_time_only() -> None:
    found = {path: open_comparisons(source) for path, source in SOURCES.items()}
    assert {path: texts for path, texts in found.items() if texts} == {}


def test_both_schemes_that_know_secrets_and_signed_pages_use_it() -> None:
    """The rule above would hold as well where nothing is compared."""
    users = {path for path, source in SOURCES.items() if "hmac.compare_digest(" in source}
    assert users == {
        "handler/triggers/http/auth.py",
        "handler/triggers/http/webhook_signature.py",
        "handler/triggers/timer/pages.py",
    }


@pytest.mark.parametrize(
    "source",
    ["token == given", "caller.token_sha256 != d", "x in tokens_of(token)", "h.hexdigest() == y", "a == expected"],
)
def test_an_open_comparison_is_found(source: str) -> None:
    """A rule has to be able to fail."""
    assert open_comparisons(source.replace("tokens_of(token)", "signatures"))


def modules() -> Iterator[ModuleType]:
    for module in pkgutil.walk_packages(handler.__path__, "handler."):
        yield importlib.import_module(module.name)


def shown_fields() -> dict[str, set[str]]:
    shown: dict[str, set[str]] = {}
    for made in {made for module in modules() for made in vars(module).values() if isinstance(made, type)}:
        if not made.__module__.startswith("handler."):
            continue
        if dataclasses.is_dataclass(made):
            shown[made.__name__] = {field.name for field in dataclasses.fields(made) if field.repr}
        elif issubclass(made, msgspec.Struct):
            shown[made.__name__] = set(made.__struct_fields__)
        elif issubclass(made, BaseModel):
            shown[made.__name__] = {name for name, field in made.model_fields.items() if field.repr}
    return shown


def test_no_representation_shows_a_secret() -> None:
    """Whoever logs an object, or the values in a frame, logs nothing secret."""
    shown = shown_fields()
    assert shown.keys() >= {"Settings", "Secret", "Caller", "_Secret", "_Caller", "RedisUrl", "Request"}
    wrong = {name: fields & (HIDDEN | HIDDEN_IN.get(name, set())) for name, fields in shown.items()}
    assert {name: fields for name, fields in wrong.items() if fields} == {}
