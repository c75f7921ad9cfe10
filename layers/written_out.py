"""Dataclasses whose methods are written out before they are compiled, as far as they are of a usual kind.

`dataclasses` writes the source of six methods for each class and compiles it whenever the module is imported, and makes
each class with slots twice: of all that the function's own modules cost a cold start, four fifths. The same methods,
compiled with the module, cost next to nothing. What does not differ from class to class is in `handler/written.py`.
Defaults are those of the constructor alone: none can be read from the class.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Final

BASES: Final = {
    "dataclass(frozen=True, slots=True)": "FrozenSlots",
    "quick, dataclass(frozen=True, slots=True)": "FrozenSlots",
    "dataclass(frozen=True)": "Frozen",
    "dataclass(slots=True)": "Written",
}
"""The kinds that are written out, each with the base in `handler/written.py` that it gets."""

IMPORT: Final = "import handler.written as _written"
CLASS: Final = """
class {name}(_written.{base}):
    __match_args__ = {given}
    VALUES = {values}
    def __init__({parameters}):
        {statements}
    def __eq__(self, other):
        if other.__class__ is not self.__class__:
            return NotImplemented
        return {mine} == {theirs}
"""
SLOTS: Final = "    __slots__ = {names}\n"
HASH: Final = "    def __hash__(self): return hash({mine})\n"
NO_HASH: Final = "    __hash__ = None\n"

AFTER: Final = "__post_init__"
UNHEEDED: Final = frozenset({AFTER, "__call__"})
"""Methods with such names that a class may have and `dataclasses` does not look for, or only calls."""

SPECIAL: Final = ("ClassVar", "InitVar", "KW_ONLY")
OPTIONS: Final = ({"default", "repr"}, {"default_factory", "repr"}, {"init"})
"""What `field` may be told, together."""


def write_out(tree: ast.Module) -> ast.Module:
    """Write out the classes in place; those that are not of a usual kind stay as they are."""
    usual = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and _is_usual(node)]
    for node in usual:
        _write_out(node)
    if usual:
        tree.body[_first(tree) : 0] = ast.parse(IMPORT).body
    return tree


def _first(tree: ast.Module) -> int:
    """Where an import may stand: behind those from `__future__`."""
    future = [each for each in tree.body if isinstance(each, ast.ImportFrom) and each.module == "__future__"]
    return tree.body.index(future[-1]) + 1 if future else 0


def _is_usual(node: ast.ClassDef) -> bool:
    """No base, no method that `dataclasses` would heed, and only fields of the kinds that are written out here."""
    heeded = {name for name in _methods(node) if name.startswith("__")} - UNHEEDED
    plain = _kind(node) in BASES and not node.bases and not node.keywords
    return plain and not heeded and all(map(_is_known, _fields(node)))


def _is_known(field: ast.AnnAssign) -> bool:
    if any(word in ast.unparse(field.annotation) for word in SPECIAL):
        return False
    return any(_options(field).keys() <= together for together in OPTIONS)


def _write_out(node: ast.ClassDef) -> None:
    fields = _fields(node)
    given = [field for field in fields if "init" not in _options(field)]
    names = [_name(field) for field in fields]
    is_frozen = "frozen" in _kind(node)
    statements = [_statement(field, is_frozen=is_frozen) for field in given]
    text = CLASS + (SLOTS if "slots" in _kind(node) else "") + (HASH if is_frozen else NO_HASH)
    written = text.format(
        name=node.name,
        base=BASES[_kind(node)],
        names=tuple(names),
        given=tuple(map(_name, given)),
        values="{" + ", ".join(f"{_name(each)!r}: {ast.unparse(each.value)}" for each in fields if each.value) + "}",
        parameters=", ".join(["self", *map(_parameter, given)]),
        statements="; ".join([*statements, f"self.{AFTER}()" if AFTER in _methods(node) else "pass"]),
        mine=_tuple("self", names),
        theirs=_tuple("other", names),
    )
    _put_into(node, written)


def _put_into(node: ast.ClassDef, written: str) -> None:
    [made] = ast.parse(written).body
    for part in ast.walk(made):
        _place(part, node.lineno)
    # With slots, a field's own value would stand in the way of its slot.
    for field in _fields(node):
        field.value = None
    if isinstance(made, ast.ClassDef):
        node.decorator_list, node.bases = node.decorator_list[:-1], made.bases
        node.body += made.body


def _place(part: ast.AST, line: int) -> None:
    """Say of a written part that it stands where its class does."""
    if isinstance(part, ast.stmt | ast.expr | ast.arg | ast.keyword | ast.alias):
        part.lineno = part.end_lineno = line
        part.col_offset = part.end_col_offset = 0


def _parameter(field: ast.AnnAssign) -> str:
    """Defaults are looked up in the class's own scope, where the method is defined."""
    name, options = _name(field), _options(field)
    if "default_factory" in options:
        return f"{name}=_written.Made"
    if "default" in options:
        return f"{name}=VALUES[{name!r}].default"
    return name if field.value is None or _is_described(field) else f"{name}=VALUES[{name!r}]"


def _statement(field: ast.AnnAssign, *, is_frozen: bool) -> str:
    """What gives the field its value."""
    name, factory = _name(field), _options(field).get("default_factory")
    value = f"({ast.unparse(factory)})() if {name} is _written.Made else {name}" if factory else name
    return f"object.__setattr__(self, {name!r}, {value})" if is_frozen else f"self.{name} = {value}"


def _kind(node: ast.ClassDef) -> str:
    return ", ".join(map(ast.unparse, node.decorator_list))


def _methods(node: ast.ClassDef) -> set[str]:
    return {each.name for each in node.body if isinstance(each, ast.FunctionDef)}


def _fields(node: ast.ClassDef) -> list[ast.AnnAssign]:
    return [each for each in node.body if isinstance(each, ast.AnnAssign)]


def _options(field: ast.AnnAssign) -> Mapping[str, ast.expr]:
    """What `field(…)` is told; nothing where the value is a default."""
    told = field.value.keywords if isinstance(field.value, ast.Call) and _is_described(field) else []
    return {option.arg or "**": option.value for option in told}


def _is_described(field: ast.AnnAssign) -> bool:
    """Whether `field(…)` stands where a default could."""
    return isinstance(field.value, ast.Call) and ast.unparse(field.value.func) == "field"


def _name(field: ast.AnnAssign) -> str:
    return ast.unparse(field.target)


def _tuple(of: str, names: Sequence[str]) -> str:
    return "(" + "".join(f"{of}.{name}, " for name in names) + ")"
