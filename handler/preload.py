"""The entries that are deployed: those of `main`, after building what the environment names.

Both clouds give an instance more of a processor until its entry is imported than for its first event, and AWS asks for
nothing else in that time. So what every event needs is made here, and only here, if INIT_EARLY is on.

An import leaves next to no garbage, but makes so many objects that the collector would look through all of them many
times: a tenth of a cold start. It is off until all is there, and what is there is then left out of its rounds.
"""

from __future__ import annotations

import gc

gc.disable()

from handler.roomy import roomy


@roomy
def _load() -> None:
    """Import and build all that an event needs, whatever depth that goes to."""
    from handler import bootstrap, main  # noqa: F401, PLC0415  # inside, for the room

    bootstrap.warm_up()


_load()

from handler.main import lambda_handler, main_handler

__all__ = ["lambda_handler", "main_handler"]

gc.freeze()
gc.enable()
