"""The command line of each program here: what is wrong with it is one line."""

from __future__ import annotations

import argparse
from typing import NoReturn


class _Once(argparse.Action):
    """Keeps the text of an option, and refuses a second one."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        if getattr(namespace, self.dest) != self.default:
            parser.error(f"{option} is given twice")
        setattr(namespace, self.dest, values)


class CommandParser(argparse.ArgumentParser):
    """Refuses wrong arguments, and an option that is given twice, with exit code 2 and one line.

    `--help` shows how the command is used.
    """

    def __init__(self, *, prog: str, description: str | None = None) -> None:
        super().__init__(prog=prog, description=description)
        self.register("action", None, _Once)

    def error(self, message: str) -> NoReturn:
        """End with what is wrong."""
        self.exit(2, f"{self.prog}: {message}\n")


def empty(options: argparse.Namespace) -> str | None:
    """What is wrong if an option was given without a text, as by a variable of the shell that was never set."""
    return next((f"{name} is empty" for name, value in vars(options).items() if value == ""), None)
