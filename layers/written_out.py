"""Dataclasses whose methods are written out before they are compiled, as far as they are the usual ones.

`dataclasses` writes the source of six methods for each class and compiles it whenever the module is imported: of all
that the function's own modules cost a cold start, two thirds. The same methods, compiled with the module, cost nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

USUAL: Final = "dataclass(frozen=True, slots=True)"
CHEAP: Final = "dataclass(init=False, repr=False, eq=False, slots=True)"
"""The same fields, names for patterns and slots. What makes it frozen is among the methods."""

METHODS: Final = """
class {name}:
    {docstring!r}
    def __init__({parameters}):
        {assignments}
    def __repr__(self):
        return self.__class__.__qualname__ + f"({shown})"
    def __eq__(self, other):
        if other.__class__ is not self.__class__:
            return NotImplemented
        return {mine} == {theirs}
    def __hash__(self):
        return hash({mine})
    def __setattr__(self, name, value):
        from dataclasses import FrozenInstanceError
        raise FrozenInstanceError(f"cannot assign to field {{name!r}}")
    def __delattr__(self, name):
        from dataclasses import FrozenInstanceError
        raise FrozenInstanceError(f"cannot delete field {{name!r}}")
    def __getstate__(self):
        return list({mine})
    def __setstate__(self, state):
        for name, value in zip(self.__slots__, state):
            object.__setattr__(self, name, value)
"""
SPECIAL: Final = ("ClassVar", "InitVar", "KW_ONLY")


def write_out(tree: ast.Module) -> ast.Module:
    """Write out the classes in place; those that are not the usual kind stay as they are."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and _is_usual(node):
            _write_out(node)
    return tree


def _is_usual(node: ast.ClassDef) -> bool:
    """No base, no method that `dataclasses` would heed, and only fields of the kinds that are written out here."""
    decorators = [ast.unparse(each) for each in node.decorator_list]
    methods = [each.name for each in node.body if isinstance(each, ast.FunctionDef)]
    plain = decorators == [USUAL] and not node.bases and not node.keywords
    return plain and not any(name.startswith("__") for name in methods) and all(map(_is_known, _fields(node)))


def _is_known(field: ast.AnnAssign) -> bool:
    if any(word in ast.unparse(field.annotation) for word in SPECIAL):
        return False
    called = field.value.func if isinstance(field.value, ast.Call) else None
    if not isinstance(called, ast.Name) or called.id != "field":
        return True
    return {option.arg for option in _options(field)} <= {"default", "repr"}


def _fields(node: ast.ClassDef) -> list[ast.AnnAssign]:
    return [each for each in node.body if isinstance(each, ast.AnnAssign)]


def _write_out(node: ast.ClassDef) -> None:
    fields = _fields(node)
    names = [_name(field) for field in fields]
    shown = [_name(field) for field in fields if _is_shown(field)]
    text = METHODS.format(
        name=node.name,
        docstring=ast.get_docstring(node) or node.name,
        parameters=", ".join(["self", *map(_parameter, fields)]),
        assignments="; ".join(f"object.__setattr__(self, {name!r}, {name})" for name in names) or "pass",
        shown=", ".join(f"{name}={{self.{name}!r}}" for name in shown),
        mine=_tuple("self", names),
        theirs=_tuple("other", names),
    )
    [made] = ast.parse(text).body
    [cheap] = ast.parse(CHEAP).body
    for part in [*ast.walk(made), *ast.walk(cheap)]:
        _put(part, node.lineno)
    body = node.body[1:] if ast.get_docstring(node) else node.body
    if isinstance(made, ast.ClassDef) and isinstance(cheap, ast.Expr):
        node.decorator_list = [cheap.value]
        node.body = [made.body[0], *body, *made.body[1:]]


def _put(part: ast.AST, line: int) -> None:
    """Say of a written part that it stands where its class does."""
    if isinstance(part, ast.stmt | ast.expr | ast.arg | ast.keyword | ast.alias):
        part.lineno = part.end_lineno = line
        part.col_offset = part.end_col_offset = 0


def _parameter(field: ast.AnnAssign) -> str:
    """In the class's own scope, where the method is defined, the field's name is its default."""
    name = _name(field)
    if field.value is None:
        return name
    options = _options(field)
    if not options:
        return f"{name}={name}"
    return f"{name}={name}.default" if any(option.arg == "default" for option in options) else name


def _options(field: ast.AnnAssign) -> Sequence[ast.keyword]:
    """What `field(…)` is told; nothing where the value is a default."""
    is_field = isinstance(field.value, ast.Call) and ast.unparse(field.value.func) == "field"
    return field.value.keywords if isinstance(field.value, ast.Call) and is_field else []


def _is_shown(field: ast.AnnAssign) -> bool:
    return not any(option.arg == "repr" and ast.unparse(option.value) == "False" for option in _options(field))


def _name(field: ast.AnnAssign) -> str:
    return ast.unparse(field.target)


def _tuple(of: str, names: Sequence[str]) -> str:
    return "(" + "".join(f"{of}.{name}, " for name in names) + ")"
