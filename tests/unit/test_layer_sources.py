"""What of the function's modules is deployed: the same statements on the same lines, and the same classes."""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from pathlib import Path
from types import ModuleType

import pytest

from layers.sources import blanked
from layers.written_out import CHEAP, USUAL, write_out

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
        if USUAL not in source:
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


USUALS = sum(path.read_text("utf-8").count(f"@{USUAL}") for path in MODULES)
PAIRS = [
    pytest.param(cls, made, id=f"{cls.__module__}.{cls.__qualname__}")
    for cls, made in dataclasses()
    if is_written_out(made)
]


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
    assert len(PAIRS) >= 0.85 * USUALS


@pytest.mark.parametrize(("cls", "made"), PAIRS)
def test_a_dataclass_that_was_written_out_is_the_same_dataclass(cls: type, made: type) -> None:
    """Fields, defaults, what is shown, equality, hash, slots, patterns, copies; and nothing in it can be changed."""
    assert _told(made) == _told(cls)
    values = {field.name: f"<{field.name}>" for field in fields(cls)}
    one, other = cls(**values), made(**values)
    assert repr(other) == repr(one)
    assert hash(other) == hash(one)
    assert other == made(**values)
    assert other != one
    assert copy.copy(other) == copy.deepcopy(other) == other
    for name in values:
        changed = replace(other, **{name: "changed"})
        assert changed != other
        assert getattr(changed, name) == "changed"
        with pytest.raises(FrozenInstanceError, match=f"cannot assign to field '{name}'"):
            setattr(other, name, "changed")
        with pytest.raises(FrozenInstanceError, match=f"cannot delete field '{name}'"):
            delattr(other, name)


@pytest.mark.parametrize(
    "other",
    [
        "@dataclass(slots=True)\nclass A:\n    a: int",
        "@dataclass(frozen=True, slots=True)\nclass A(B):\n    a: int",
        "@dataclass(frozen=True, slots=True)\nclass A:\n    a: ClassVar[int]",
        "@dataclass(frozen=True, slots=True)\nclass A:\n    a: dict = field(default_factory=dict)",
        "@dataclass(frozen=True, slots=True)\nclass A:\n    a: int\n    def __post_init__(self):\n        pass",
    ],
)
def test_a_dataclass_of_another_kind_is_left_alone(other: str) -> None:
    """What is not understood is not touched."""
    assert ast.unparse(write_out(ast.parse(other))) == ast.unparse(ast.parse(other))
    assert CHEAP not in other


def _told(cls: type) -> object:
    parameters = inspect.signature(cls).parameters.values()
    told = [(field.name, field.type, field.default, field.repr, field.compare, field.init) for field in fields(cls)]
    taken = [(each.name, each.default, each.kind) for each in parameters]
    return told, taken, vars(cls)["__slots__"], vars(cls)["__match_args__"]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
