"""The deployed entry points: those of `main`, after everything that an event needs is imported and built.

Both clouds give an instance more processor time while its entry is imported than during its first event. So with
INIT_EARLY on, this import builds the instance.

Imports leave little garbage but make many objects, and the garbage collector would scan all of them again and again,
which takes a tenth of a cold start. It is off until everything is built, and never scans those objects afterwards.
"""

from __future__ import annotations

import gc

gc.disable()

from handler import bootstrap
from handler.main import lambda_handler, main_handler

__all__ = ["lambda_handler", "main_handler"]

bootstrap.warm_up()

gc.freeze()
gc.enable()
