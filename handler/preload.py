"""The deployed entries: those of `main`, after everything that an event needs is imported and built.

Both clouds give an instance more of a processor until its entry is imported than for its first event, and AWS does not
bill that time. So with INIT_EARLY on, the import builds the instance.

Imports leave little garbage but make many objects, and the garbage collector would look through all of them again and
again: a tenth of a cold start. It is off until everything is built, and then leaves out what is there.
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
