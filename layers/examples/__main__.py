"""Write the page of what any other tool has to set up.

python -m layers.examples
"""

from __future__ import annotations

import sys

from layers.command import CommandParser
from layers.examples import TEMPLATE, text
from layers.packaging.targets import ROOT

if __name__ == "__main__":
    CommandParser(prog="python -m layers.examples", description="Write the page beside the template.").parse_args()
    page = TEMPLATE.parent / "README.md"
    page.write_text(text(), "utf-8")
    sys.stdout.write(f"{page.relative_to(ROOT)}\n")
