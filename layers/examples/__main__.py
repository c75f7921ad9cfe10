"""Write the page of what any other tool has to set up.

python -m layers.examples
"""

from __future__ import annotations

import sys

from layers.examples import TEMPLATE, text
from layers.packaging.targets import ROOT

if __name__ == "__main__":
    page = TEMPLATE.parent / "README.md"
    page.write_text(text(), "utf-8")
    sys.stdout.write(f"{page.relative_to(ROOT)}\n")
