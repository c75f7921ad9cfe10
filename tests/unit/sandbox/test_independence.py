"""The sandbox is an oracle of its own."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3]


def imported_by(module: str) -> set[str]:
    """The modules that a module of this repository names in its imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
    return found


def test_the_chat_server_uses_nothing_of_the_function() -> None:
    """It is an oracle of its own: nothing that it imports, directly or not, is of `handler`."""
    reached: set[str] = set()
    waiting = {"tests.sandbox.chat"}
    while waiting:
        module = waiting.pop()
        reached.add(module)
        sandbox = {name for name in imported_by(module) if (ROOT / f"{name.replace('.', '/')}.py").is_file()}
        assert not {name for name in imported_by(module) if name.split(".")[0] == "handler"}
        waiting |= sandbox - reached
    assert {"tests.sandbox.signatures", "tests.sandbox.counters", "tests.sandbox.wire"} < reached
