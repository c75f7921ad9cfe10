"""Compile the function's modules; it is run by the target's own Python, whose bytecode is wanted.

python3.13 -X no_debug_ranges -m layers.precompile <folder of modules> <folder for bytecode> <where modules will lie>
"""

from __future__ import annotations

import ast
import importlib.util
import marshal
import sys
from pathlib import Path

from layers.written_out import write_out

UNCHECKED = 1
"""The flag of bytecode that is not compared to a source."""


def main(modules: Path, folder: Path, mount: str) -> None:
    """Write `<module>.pyc` for each module, to the same place below `folder`."""
    for path in sorted(modules.rglob("*.py")):
        name = path.relative_to(modules)
        tree = write_out(ast.parse(path.read_text("utf-8"), str(name)))
        code = compile(tree, f"{mount}/{name.as_posix()}", "exec", dont_inherit=True)
        written = (folder / name).with_suffix(".pyc")
        written.parent.mkdir(parents=True, exist_ok=True)
        head = importlib.util.MAGIC_NUMBER + UNCHECKED.to_bytes(4, "little") + bytes(8)
        written.write_bytes(head + marshal.dumps(code))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
