"""Where operator events go, as the command line says: to this checkout, or to a deployed function."""

from __future__ import annotations

import argparse
from typing import Final

SCF_PREFIX: Final = "scf:"
"""Begins the name of a function on SCF."""


def add_place(made: argparse.ArgumentParser) -> None:
    """Add the arguments that say where."""
    place = made.add_mutually_exclusive_group(required=True)
    local = "the function of this checkout, with the settings of the environment"
    place.add_argument("--local", action="store_true", help=local)
    place.add_argument("--function", help="the name or ARN of a function on AWS, or scf:<name>")
    place.add_argument("--stage", help="the function on AWS that takes the operator events of this stage")
    made.add_argument("--region", help="where the function is")
    made.add_argument("--namespace", help="of a function on SCF")


def wrong_place(options: argparse.Namespace) -> str | None:
    """What is wrong with them, or would be ignored."""
    if options.local and (options.region or options.namespace):
        return "--region and --namespace say where the function of --function or --stage is"
    if options.namespace and not (options.function or "").startswith(SCF_PREFIX):
        return "--namespace is for --function scf:<name>"
    return None


def function_at(options: argparse.Namespace) -> str | None:
    """The name of the deployed function; None for that of this checkout."""
    return f"update-group-counter-{options.stage}-timer" if options.stage else options.function
