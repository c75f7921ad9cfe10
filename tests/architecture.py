"""The rules that keep the house in order, each as a function from source text to what breaks it."""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

_CORE = frozenset({"core", "core.model", "core.state", "core.ports", "core.runtime", "core.protocol"})
_EVERY_CORE = _CORE | {"core.verify", "core.operator"}
_STORES = frozenset({"ledgers.sqlite", "ledgers.redis", "ledgers.dynamodb"})
_STORE = frozenset({"core", "core.model", "core.state", "core.ports"})
_ADAPTERS = _STORES | {"chat", "config", "queues", "vault"}
_TRIGGERS = frozenset({"triggers", "triggers.http", "triggers.timer", "triggers.sources", "triggers.operator"})

ROOMS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "core": frozenset(),
        "core.model": frozenset({"core"}),
        "core.state": frozenset({"core.model"}),
        "core.ports": frozenset({"core.model"}),
        "core.runtime": frozenset({"core", "core.model", "core.ports"}),
        "core.protocol": _CORE - {"core.protocol"},
        "core.verify": _CORE - {"core.protocol"},
        "core.operator": _CORE,
        "clouds": frozenset({"core", "redaction"}),
        "config": frozenset({"core", "core.model", "core.ports"}),
        "chat": frozenset({"core", "core.model", "core.ports", "redaction"}),
        "vault": frozenset({"core", "core.model", "core.ports", "clouds", "redaction"}),
        "queues": frozenset({"core", "core.ports", "clouds"}),
        "ledgers": frozenset({"core.model"}),
        "ledgers.sqlite": _STORE,
        "ledgers.redis": _STORE | {"ledgers", "config"},
        "ledgers.dynamodb": _STORE | {"ledgers", "clouds", "redaction"},
        "version": frozenset(),
        "triggers": frozenset({"core", "core.model", "core.ports", "core.protocol", "core.runtime"}),
        "triggers.http": frozenset({"core", "core.model", "core.ports", "core.runtime", "triggers", "version"}),
        "triggers.timer": _CORE - {"core.state"} | {"core.operator", "triggers"},
        "triggers.sources": _CORE - {"core.state"} | {"triggers", "triggers.timer"},
        "triggers.operator": _EVERY_CORE
        | {"triggers", "triggers.http", "triggers.timer", "triggers.sources", "version"},
        "redaction": frozenset({"core"}),
        "clock": frozenset(),
        "telemetry": frozenset({"core", "core.ports", "version"}),
        "bootstrap": _ADAPTERS
        | {"core", "core.ports", "core.runtime", "triggers", "triggers.http", "clouds", "clock", "telemetry"},
        "main": _TRIGGERS | {"core", "bootstrap", "telemetry"},
        "preload": frozenset({"bootstrap", "main"}),
    }
)
"""Each room of `handler`, a folder or a module beside the folders, and the rooms that it may import from."""


CLOCKS_AND_CHANCE = frozenset({"datetime", "random", "secrets", "time", "uuid"})
FILES_AND_LOGS = frozenset({"fileinput", "io", "logging", "os", "pathlib", "shutil", "sqlite3", "tempfile"})
NETWORK = frozenset({"asyncio", "ftplib", "http", "select", "selectors", "smtplib", "socket", "ssl", "urllib"})
WORKERS_AND_LOADERS = frozenset({"concurrent", "importlib", "multiprocessing", "subprocess", "threading"})
FORBIDDEN_IN_CORE = CLOCKS_AND_CHANCE | FILES_AND_LOGS | NETWORK | WORKERS_AND_LOADERS
"""Standard modules that reach outside the process, start work in it, or import by a name that no test can follow."""

ALLOWED_IN_CORE = ("threading.Lock", "threading.RLock", "urllib.parse")
"""The parts of those modules that only compute, or only guard memory."""

PACKAGES_IN_CORE = frozenset({"msgspec", "pydantic"})
"""The packages of values and their formats: they only compute."""

CONTAINERS = frozenset({"MappingProxyType", "dict", "float", "frozenset", "int", "len", "range", "set", "tuple"})
TYPES = frozenset({"ContextVar", "NewType", "ParamSpec", "TypeAdapter", "TypeVar", "TypedDict", "namedtuple"})
FIELDS = frozenset(
    {
        *("AfterValidator", "BeforeValidator", "ConfigDict", "Field", "Fields", "PrivateAttr", "auto"),
        *("dataclasses.field", "field", "msgspec.field"),
    }
)
CODECS = frozenset({"json.JSONDecoder", "json.JSONEncoder", "msgspec.json.Decoder", "msgspec.json.Encoder"})
CONSTANTS = CONTAINERS | TYPES | FIELDS | CODECS | {"Decimal", "StringConstraints", "re.compile", "timedelta"}
"""What a constant or a type may be made with; any other call that runs at import builds something."""


def imports(source: str, package: str) -> list[str]:
    """Every name that `source`, a module of `package`, imports: `a.b` for `import a.b` and for `from a import b`."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, package)
            found += [f"{origin}.{alias.name}" for alias in node.names]
    return found


def wrong_direction(source: str, path: str) -> list[str]:
    """What the module at `path`, such as `handler/core/model/row.py`, imports from rooms beside or above its own."""
    room = room_of(path)
    names = [name for name in imports(source, _package(path)) if name.split(".")[0] == "handler"]
    return [name for name in names if (aim := _aim(name)) != room and aim not in ROOMS.get(room, frozenset())]


def room_of(path: str) -> str:
    """The folder below `handler` that a module lies in; a module beside the folders is a room of its own."""
    inside = PurePosixPath(path).with_suffix("").parts[1:]
    return ".".join(inside[:-1]) or inside[0]


def impure_imports(source: str) -> list[str]:
    """What a module of the core imports beyond msgspec, pydantic, itself and the standard modules that only compute."""
    return [name for name in _with_attributes(source) if not _pure(name)]


def direct_io(source: str) -> list[str]:
    """The built-in functions for I/O, and for importing by text, that a module of the core calls."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [f.id for f in calls if isinstance(f, ast.Name) and f.id in {"__import__", "input", "open", "print"}]


def long_functions(source: str, limit: int) -> list[str]:
    """The functions whose body, without its docstring, has more than `limit` lines."""
    functions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [f"{function.name}: {_body_lines(function)}" for function in functions if _body_lines(function) > limit]


def value_types(source: str) -> frozenset[str]:
    """The frozen structs and dataclasses that `source` defines: an instance is a constant, such as a row of a table."""
    classes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]
    return frozenset(node.name for node in classes if any(map(_freezes, [*node.keywords, *node.decorator_list])))


def built_at_import(source: str, values: frozenset[str] = frozenset()) -> list[str]:
    """The statements that do more, when the module is imported, than define types, functions and constants."""
    statements = _run_at_import(ast.parse(source).body)
    return [f"line {node.lineno}: {ast.unparse(node)}" for node in statements if _builds(node, CONSTANTS | values)]


def foreign_addresses(requirements: str) -> list[str]:
    """The lines of a requirement file that name an index, an address or a path rather than a package."""
    signs = ("://", "--index", "--extra-index-url", "--find-links", "--trusted-host", " @ ", "-e ", "-i ", "-f ")
    return [line for line in requirements.splitlines() if line.startswith(("/", ".")) or any(s in line for s in signs)]


def pins(requirements: str) -> dict[str, bool]:
    """Each requirement of a pinned file, with its marker, and whether it is an exact version with a hash."""
    lines = requirements.replace("\\\n", " ").splitlines()
    return {
        line.split(" --hash")[0].strip(): "==" in line and "--hash=sha256:" in line for line in lines if line.strip()
    }


def _aim(name: str) -> str:
    """The room that an imported name, such as `handler.core.errors.BadInput`, lies in."""
    parts = name.split(".")[1:]
    inside = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((room for room in inside if room in ROOMS), name)


def _package(path: str) -> str:
    return ".".join(PurePosixPath(path).parts[:-1])


def _origin(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    ancestors = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*ancestors, *([node.module] if node.module else [])])


def _with_attributes(source: str) -> list[str]:
    """The imports of `source`; a module imported whole stands for each attribute that is used of it."""
    tree = ast.parse(source)
    used = [
        f"{n.value.id}.{n.attr}"
        for n in ast.walk(tree)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)
    ]
    names: list[str] = []
    for name in imports(source, "handler.core"):
        names += [u for u in used if u.startswith(f"{name}.")] or [name]
    return names


def _pure(name: str) -> bool:
    root = name.partition(".")[0]
    if root in FORBIDDEN_IN_CORE:
        return any(f"{name}.".startswith(f"{allowed}.") for allowed in ALLOWED_IN_CORE)
    return root in PACKAGES_IN_CORE or f"{name}.".startswith("handler.core.") or root in sys.stdlib_module_names


def _freezes(said: ast.AST) -> bool:
    """Whether a keyword of a class, as structs have it, or a decorator makes its instances unchangeable."""
    text = ast.unparse(said)
    return text == "frozen=True" or (
        text.startswith(("dataclass(", "dataclasses.dataclass(")) and "frozen=True" in text
    )


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _run_at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, of its classes and of its `if TYPE_CHECKING` blocks."""
    for node in body:
        yield node
        if isinstance(node, ast.ClassDef):
            yield from _run_at_import(node.body)
        elif isinstance(node, ast.If) and _is_type_checking(node):
            yield from _run_at_import([*node.body, *node.orelse])


def _is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _builds(node: ast.stmt, constants: frozenset[str]) -> bool:
    harmless = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Pass
    if isinstance(node, harmless) or _is_type_checking(node):
        return False
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return node.value is not None and not all(_makes_constant(call, constants) for call in _calls(node.value))
    return True


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """The calls that evaluating `node` makes; the body of a lambda runs later."""
    if isinstance(node, ast.Call):
        yield node
    if not isinstance(node, ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _calls(child)


def _makes_constant(call: ast.Call, constants: frozenset[str]) -> bool:
    """Whether `call` makes a value of a known kind, generic or not, or is a method of a literal, as `"a b".split()`."""
    method_of_literal = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Constant)
    return method_of_literal or ast.unparse(call.func).partition("[")[0] in constants
