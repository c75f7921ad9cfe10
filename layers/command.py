"""The command line of each program here: what is wrong with it is one line."""

from __future__ import annotations

import argparse
from typing import NoReturn


class CommandParser(argparse.ArgumentParser):
    """Refuses wrong arguments with exit code 2 and one line; `--help` shows how the command is used."""

    def error(self, message: str) -> NoReturn:
        """End with what is wrong."""
        self.exit(2, f"{self.prog}: {message}\n")


def empty(options: argparse.Namespace) -> str | None:
    """What is wrong if an option was given without a text, as by a variable of the shell that was never set."""
    return next((f"{name} is empty" for name, value in vars(options).items() if value == ""), None)
