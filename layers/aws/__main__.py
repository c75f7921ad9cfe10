"""Deploy to AWS, take a deployment back to an earlier version, or remove it.

    python -m layers.aws deploy --region ap-southeast-1 --stage prod --params "alarm-email=<your address>"
    python -m layers.aws rollback --region ap-southeast-1 --stage prod
    python -m layers.aws remove --region ap-southeast-1 --stage prod

Each says first what it acts on, and wants a yes: typed, or `--yes`. osls does the work, as serverless.yml says.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from layers import build
from layers.aws import needs, parameters
from layers.aws.account import SERVICE_NAME, Account, AccountError
from layers.aws.plan import Plan, plan_of
from layers.command import CommandParser
from layers.confirm import NOT_CONFIRMED, is_confirmed
from layers.packaging.targets import AWS, ROOT
from layers.parameters import wrong_stage

REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]+")

Make: TypeAlias = Callable[[list[str]], int]


class Run(msgspec.Struct, frozen=True):
    """One run of a command: what it acts on, and `folder`, where its serverless.yml is."""

    plan: Plan
    account: Account
    folder: Path
    make: Make
    is_agreed: bool

    def agreed(self, lines: Iterable[str]) -> bool:
        """Say what comes now, and get a yes."""
        for line in lines:
            sys.stderr.write(f"{line}\n")
        return is_confirmed(is_given=self.is_agreed)

    def osls(self, command: str, *more: str) -> int:
        """Run osls; its exit code."""
        where = ("--stage", self.plan.stage, "--region", self.plan.region)
        words = [str(needs.OSLS), *command.split(), *where, *more]
        environ = {**os.environ, "NODE_NO_WARNINGS": "1"}
        return subprocess.run(words, cwd=self.folder, env=environ, check=False).returncode  # noqa: S603  # osls


def main(arguments: Sequence[str] | None = None, folder: Path = ROOT, make: Make = build.main) -> int:
    """Run one command on the serverless.yml of a folder; 1 if it was refused, with the reason on standard error.

    `make` builds the zips of the target that it is given.
    """
    options = _parser().parse_args(arguments)
    service = (folder / "serverless.yml").read_text("utf-8")
    params = options.params if options.command == "deploy" else ""
    values, wrong = parameters.read(params, options.stage, service, folder)
    problems = [*needs.missing(os.environ, options.region), *_wrong_names(options.region, options.stage)]
    problems += wrong if options.command == "deploy" else []
    if problems:
        return _refused(*problems)
    try:
        account = Account(options.region)
        plan = plan_of(account, options.region, options.stage, values, parameters.ledger_of(service))
        run = Run(plan, account, folder, make, options.yes)
        if options.command == "deploy":
            return deploy(run, parameters.set_by(params))
        if plan.stack is None:
            return _refused(f"There is no stack {plan.stack_name} in {plan.region}")
        return rollback(run, options.version) if options.command == "rollback" else remove(run)
    except AccountError as error:
        return _refused(str(error))


def deploy(run: Run, params: Mapping[str, str]) -> int:
    """Bring the stack to what serverless.yml and `params` say."""
    plan = run.plan
    if problems := list(plan.problems()):
        return _refused(*problems)
    if not run.agreed(plan.lines()):
        return _refused(NOT_CONFIRMED)
    if failed := run.make([AWS.name]):
        return failed
    given = {**params, "table": plan.table_name} if plan.takes_table else params
    if failed := run.osls("deploy", *(f"--param={name}={value}" for name, value in given.items())):
        return failed
    if not plan.takes_table:
        # The template has no deletion protection: a first deployment that fails half-way could not take a protected
        # table back, and the next one would find the name taken.
        run.account.protect(plan.table_name)
        sys.stdout.write(f"The table {plan.table_name} is protected against deletion\n")
    return 0


def rollback(run: Run, version: str) -> int:
    """Bring the stack back to what an earlier deployment made of it; without a version, list those that are kept."""
    plan = run.plan
    if not version:
        sys.stderr.write(f"Acting on {plan.stack_name} in {plan.region} of {plan.account}\n")
        sys.stderr.write("Say which: VERSION=<timestamp of this list>\n")
        return run.osls("deploy list") or 1
    lines = [
        f"This takes {plan.stack_name} in {plan.region} of {plan.account} back to the version of {version}.",
        "Groups whose rows that version cannot read wait for a later one. The table stays as it is.",
    ]
    return run.osls("rollback", f"--timestamp={version}") if run.agreed(lines) else _refused(NOT_CONFIRMED)


def remove(run: Run) -> int:
    """Remove the stack, but for the ledger's table."""
    plan = run.plan
    table = f"The table {plan.table_name} stays, and the next deployment of this stage takes it as it is."
    lines = [
        f"This REMOVES {plan.stack_name} in {plan.region} of {plan.account}: functions, queues and what is in them.",
        table if plan.table else "The ledger's table, which was named by table=, stays.",
    ]
    return run.osls("remove") if run.agreed(lines) else _refused(NOT_CONFIRMED)


def _wrong_names(region: str, stage: str) -> list[str]:
    problems = []
    if region and not REGION.fullmatch(region):
        problems.append(f"REGION: is {region}, and has to be one of AWS, such as ap-southeast-1")
    return problems + wrong_stage(stage)


def _refused(*problems: str) -> int:
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return 1


def _parser() -> CommandParser:
    made = CommandParser(prog="python -m layers.aws", description="Deploy to AWS.")
    commands = made.add_subparsers(dest="command", required=True)
    deploying, rolling_back, removing = (commands.add_parser(name) for name in ("deploy", "rollback", "remove"))
    for command in (deploying, rolling_back, removing):
        command.add_argument("--region", default="", help="where, such as ap-southeast-1")
        command.add_argument("--stage", default="prod", help=f"of the stack {SERVICE_NAME}-<stage>")
        command.add_argument("--yes", action="store_true", help="do not ask")
    params = "settings of serverless.yml, as name=text with a space between"
    deploying.add_argument("--params", default="", help=params)
    rolling_back.add_argument("--version", default="", help="the timestamp of an earlier deployment")
    return made


if __name__ == "__main__":
    sys.exit(main())
