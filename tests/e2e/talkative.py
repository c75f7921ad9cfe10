"""The function in a process where every library logs all that it can, on standard error."""

import logging
import sys

from handler.main import lambda_handler, main_handler

__all__ = ["lambda_handler", "main_handler"]

logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, force=True)
