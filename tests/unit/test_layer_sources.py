"""What of the function's modules is deployed: the same statements on the same lines, and the same classes."""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import MISSING, FrozenInstanceError, fields, is_dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from handler.core.quick import replace as quick_copy
from handler.written import Frozen, FrozenSlots, Written
from layers.sources import blanked
from layers.written_out import BASES, write_out

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "handler").rglob("*.py"))
SOURCE = '''\
"""What it is."""

ONE = "# no comment"  # a comment
"""What one is."""


class Empty(Exception):
    """Nothing
    in it."""


def two() -> str:
    """What two is."""
    # Another comment.
    return """a
    # text"""
'''
BLANKED = '''\


ONE = "# no comment"



class Empty(Exception):
    pass



def two() -> str:


    return """a
    # text"""
'''


def statements(source: str) -> str:
    """What runs, with its places, without docstrings and without what fills an empty class."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [each for each in node.body if not isinstance(each, ast.Pass) and not _is_text(each)]
    kept = [node for node in ast.walk(tree) if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]
    return "\n".join(f"{getattr(node, 'lineno', 0)} {ast.dump(node)}" for node in kept)


def written_out(path: Path) -> dict[str, object]:
    """The names of a module that was compiled as it is for the layer."""
    made = ModuleType(".".join(path.relative_to(ROOT).with_suffix("").parts))
    tree = write_out(ast.parse(blanked(path.read_text("utf-8"))))
    exec(compile(tree, str(path), "exec", dont_inherit=True), vars(made))  # noqa: S102  # our own module
    return vars(made)


def dataclasses() -> Iterator[tuple[type, type]]:
    """Each dataclass beside the one of the module whose usual ones are written out."""
    for path in MODULES:
        source = path.read_text("utf-8")
        if "@dataclass" not in source:
            continue
        original = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        made = written_out(path)
        for name, cls in vars(original).items():
            if is_dataclass(cls) and isinstance(cls, type) and cls.__module__ == original.__name__:
                other = made[name]
                assert isinstance(other, type)
                yield cls, other


def is_written_out(cls: type) -> bool:
    """What `dataclasses` itself makes comes from no file."""
    return cls.__eq__.__code__.co_filename.startswith(str(ROOT))


def _factories(cls: type) -> set[str]:
    return {each.name for each in fields(cls) if each.default_factory is not MISSING}


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


USUALS = sum(path.read_text("utf-8").count(f"@{kind}\n") for path in MODULES for kind in BASES)
PAIRS = [(cls, made) for cls, made in dataclasses() if is_written_out(made)]
FROZEN = [(cls, made) for cls, made in PAIRS if issubclass(made, Frozen)]
QUICK = [(cls, made) for cls, made in PAIRS if hasattr(vars(cls)["__init__"], "__wrapped__")]
WITH_FACTORIES = [(cls, made) for cls, made in PAIRS if _factories(cls)]


def test_comments_and_docstrings_leave_their_lines_empty() -> None:
    """What is left stands where it stood, and a class of nothing but a docstring is still one."""
    assert blanked(SOURCE) == BLANKED


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_statement_of_the_function_is_deployed_on_its_line(path: Path) -> None:
    """Whatever tells a line of the deployed function means that line of the checkout."""
    source = path.read_text("utf-8")
    assert statements(blanked(source)) == statements(source)


def test_most_dataclasses_are_written_out() -> None:
    """Else a cold start would compile their methods, which no figure of a test on a busy machine would show."""
    assert len(PAIRS) >= 0.95 * USUALS


@pytest.mark.parametrize(("cls", "made"), PAIRS, ids=_name)
def test_a_dataclass_that_was_written_out_is_the_same_dataclass(cls: type, made: type) -> None:
    """Fields, defaults, what is shown, equality, hash, slots, patterns and copies."""
    assert _told(made) == _told(cls)
    one, other = _filled(cls), _filled(made)
    assert repr(other) == repr(one)
    assert other == _filled(made)
    assert other != one
    assert copy.copy(other) == other
    for name in [each.name for each in fields(cls) if each.init]:
        changed = replace(other, **{name: "changed"})
        assert changed != other
        assert getattr(changed, name) == "changed"


@pytest.mark.parametrize(("cls", "made"), FROZEN, ids=_name)
def test_a_frozen_dataclass_that_was_written_out_is_frozen(cls: type, made: type) -> None:
    """Nothing in it can be changed, so it has a hash, and that is the one of its values."""
    other = _filled(made)
    assert hash(other) == hash(_filled(cls))
    assert copy.deepcopy(other) == other
    for name in [each.name for each in fields(cls)]:
        with pytest.raises(FrozenInstanceError, match=f"cannot assign to field '{name}'"):
            setattr(other, name, "changed")
        with pytest.raises(FrozenInstanceError, match=f"cannot delete field '{name}'"):
            delattr(other, name)


@pytest.mark.parametrize(("cls", "made"), QUICK, ids=_name)
def test_a_quick_dataclass_that_was_written_out_is_as_quick(cls: type, made: type) -> None:
    """It is made and copied as in a checkout, and frozen again when it is."""
    other = quick_copy(_filled(made))
    assert vars(made)["__init__"].__code__.co_code == vars(cls)["__init__"].__code__.co_code
    assert other == _filled(made)
    with pytest.raises(FrozenInstanceError):
        setattr(other, fields(made)[0].name, "changed")


def test_the_bases_of_what_was_written_out_are_no_dataclasses_themselves() -> None:
    """Whoever asks one of them must not find the fields of all others gone, and a subclass has those of its base."""
    assert not any(map(is_dataclass, (Written, Frozen, FrozenSlots)))
    for cls, made in PAIRS:
        heir = type("Heir", (made,), {"__slots__": ()})
        assert [each.name for each in fields(heir)] == [each.name for each in fields(cls)]


@pytest.mark.parametrize(("cls", "made"), WITH_FACTORIES, ids=_name)
def test_what_a_factory_makes_is_each_instances_own(cls: type, made: type) -> None:
    """A default that can be changed is never shared, and what is given is taken as it is."""
    given = {each.name: f"<{each.name}>" for each in fields(cls) if each.init and each.default is MISSING}
    required = {name: value for name, value in given.items() if name not in _factories(cls)}
    one, other, expected, whole = made(**required), made(**required), cls(**required), made(**given)
    for name in _factories(cls):
        assert type(getattr(one, name)).__name__ == type(getattr(expected, name)).__name__
        assert getattr(one, name) is not getattr(other, name)
        assert getattr(whole, name) == f"<{name}>"


@pytest.mark.parametrize(
    "other",
    [
        "@dataclass\nclass A:\n    a: int",
        "@dataclass(frozen=True, slots=True)\nclass A(B):\n    a: int",
        "@dataclass(frozen=True, slots=True)\n@final\nclass A:\n    a: int",
        "@dataclass(frozen=True, slots=True)\nclass A:\n    a: ClassVar[int]",
        "@dataclass(frozen=True, slots=True)\nclass A:\n    a: int = field(kw_only=True)",
        "@dataclass(frozen=True, slots=True)\nclass A:\n    a: int = field(default=5, init=False)",
        "@dataclass(frozen=True, slots=True)\nclass A:\n    a: int\n    def __eq__(self, other):\n        pass",
    ],
)
def test_a_dataclass_of_another_kind_is_left_alone(other: str) -> None:
    """What is not understood is not touched."""
    assert ast.unparse(write_out(ast.parse(other))) == ast.unparse(ast.parse(other))


def _told(cls: type) -> object:
    """What there is to know of a dataclass. Two classes never share a factory, so only whether there is one counts."""
    told = [
        *((each.name, each.type, each.default, each.default_factory is MISSING) for each in fields(cls)),
        *((each.repr, each.compare, each.init) for each in fields(cls)),
    ]
    parameters = inspect.signature(cls).parameters.values()
    taken = [(each.name, each.name in _factories(cls) or each.default, each.kind) for each in parameters]
    return told, taken, vars(cls).get("__slots__"), vars(cls)["__match_args__"]


def _filled(cls: type) -> DataclassInstance:
    """An instance with a text in each field."""
    values = {each.name: f"<{each.name}>" for each in fields(cls)}
    made: DataclassInstance = cls(**{each.name: values.pop(each.name) for each in fields(cls) if each.init})
    for name, value in values.items():
        setattr(made, name, value)
    return made


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
