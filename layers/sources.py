"""The function's modules as they are deployed: what runs, on the lines where it was written, and nothing to read.

They lie in one archive in the function's zip, not compressed by itself, because then the zip is compressed as a whole:
half the size of as many files. `opening.py` tells Python where the modules are.
"""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
from pathlib import Path
from typing import Final

from layers.packaging.archive import store

OPENING: Final = Path(__file__).with_name("opening.py")
ARCHIVE: Final = "sources.zip"
UNNAMED: Final = 'BUILD = ""'
"""The line of the opening that tells which build the bytecode has to be of."""


def plain(handler: Path, folder: Path) -> None:
    """Write every module below `handler` to the same place below `folder`, blanked."""
    for path in sorted(handler.rglob("*.py")):
        written = folder / path.relative_to(handler)
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(blanked(path.read_text("utf-8")), "utf-8")


def put(modules: Path, folder: Path) -> str:
    """Make the package `handler` in `folder` of plain modules. Gives the build's name, which is a hash of them."""
    folder.mkdir(parents=True)
    store(modules, folder / ARCHIVE)
    build = hashlib.sha256((folder / ARCHIVE).read_bytes()).hexdigest()[:16]
    opening = blanked(OPENING.read_text("utf-8")).replace(UNNAMED, f'BUILD = "{build}"')
    (folder / "__init__.py").write_text(opening, "utf-8")
    return build


def blanked(source: str) -> str:
    """The source without comments and docstrings. Every statement stays on its line, as tracebacks name it."""
    lines = source.splitlines()
    for row, column in _comments(source):
        lines[row - 1] = lines[row - 1][:column].rstrip()
    for text, is_alone in _texts(ast.parse(source)):
        lines[text.lineno - 1 : text.end_lineno] = [""] * ((text.end_lineno or text.lineno) - text.lineno + 1)
        if is_alone:
            lines[text.lineno - 1] = " " * text.col_offset + "pass"
    return "\n".join(lines).rstrip() + "\n"


def _comments(source: str) -> list[tuple[int, int]]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [token.start for token in tokens if token.type == tokenize.COMMENT]


def _texts(tree: ast.Module) -> list[tuple[ast.Expr, bool]]:
    """The statements that are but a text, each with whether it is all that its class or function has."""
    found = []
    for node in ast.walk(tree):
        body = node.body if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) else []
        texts = [each for each in body if isinstance(each, ast.Expr) and _is_text(each.value)]
        is_alone = len(texts) == len(body) and not isinstance(node, ast.Module)
        found += [(text, is_alone and text is texts[0]) for text in texts]
    return found


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
