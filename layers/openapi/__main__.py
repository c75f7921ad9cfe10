"""Write the OpenAPI document, which is committed, into the function's folder: `make openapi`.

python -m layers.openapi
"""

from __future__ import annotations

import json
import sys

from layers.command import CommandParser
from layers.openapi import PLACE
from layers.openapi.document import document
from layers.packaging.targets import ROOT


def text() -> str:
    """The document as it is committed. It is ASCII, which every platform passes on as it is."""
    return json.dumps(document(), indent=2) + "\n"


if __name__ == "__main__":
    CommandParser(prog="python -m layers.openapi", description="Write the OpenAPI document.").parse_args()
    PLACE.write_text(text(), "ascii")
    sys.stdout.write(f"{PLACE.relative_to(ROOT)}\n")
