"""Deploy the function to Tencent SCF as `custom.tencent` of serverless.yml says, take it back, or remove it.

    python -m layers.scf deploy --set role=ChatCounters --set vpc.id=vpc-1 --set vpc.subnet=subnet-1
    python -m layers.scf deploy --dry-run
    python -m layers.scf rollback --version 3
    python -m layers.scf remove --region ap-singapore --stage dev

Each says first which function it acts on. A deployment says what it would change, and wants a yes: typed, or `--yes`.
It creates what is missing and changes what differs, so it can be repeated. It deletes triggers that an earlier one has
made and the plan no longer has, and the oldest of more than five versions, and nothing else. A dry run says the same,
and changes nothing.
"""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from layers.build import OUTPUT
from layers.command import CommandParser, empty
from layers.confirm import NOT_CONFIRMED, is_confirmed
from layers.packaging.targets import SCF
from layers.scf import parameters
from layers.scf.api import Cloud, CloudError, Scf, absent_keys
from layers.scf.deploy import Deployment, removal_of
from layers.scf.difference import foreign
from layers.scf.plan import SERVICE, Plan, PlanError, read_plan
from layers.scf.rollback import Rollback, rollback_of

CHECK: Final = {"task": "check"}
"""The message of the timer that fails while something needs an operator."""

WAIT_S: Final = 300.0
"""How long a function or a layer may take to become ready."""


def main(
    arguments: Sequence[str] | None = None, built: Path = OUTPUT, sleep: Callable[[float], None] = time.sleep
) -> int:
    """Deploy or remove; 1 if that failed, with the reason on standard error."""
    made = _parser()
    options = made.parse_args(arguments)
    if wrong := empty(options):
        made.error(wrong)
    absent = absent_keys(os.environ)
    if absent:
        sys.stderr.write(f"No keys of Tencent Cloud. Set {' and '.join(absent)}\n")
    try:
        plan = _plan(options)
        if absent:
            return 1
        sys.stderr.write(f"Acting on {plan.name}\n")
        cloud = Scf(plan.region, os.environ)
        if options.command == "rollback":
            return _rollback(rollback_of(plan, cloud, options.version or ""), cloud, options)
        if options.command == "remove":
            return _remove(plan, cloud, is_agreed=options.yes, is_dry=options.dry_run)
        deployment = Deployment(plan, cloud, WAIT_S, sleep)
        return _deploy(plan, deployment, built, is_agreed=options.yes, is_dry=options.dry_run)
    except (PlanError, CloudError) as error:
        return _refused(str(error))


def _plan(options: Namespace) -> Plan:
    """What serverless.yml says, with what the command line replaces."""
    service = SERVICE.read_text("utf-8")
    named = {"region": options.region, "namespace": options.namespace, "function": options.function}
    is_deployment = options.command == "deploy"
    changes, problems = parameters.read(options.set if is_deployment else (), named, options.stage, service)
    if problems:
        raise PlanError(problems)
    return read_plan(service, changes, deploying=is_deployment)


def _deploy(plan: Plan, deployment: Deployment, built: Path, *, is_agreed: bool, is_dry: bool) -> int:
    code, layer = ((built / f"{SCF.name}-{part}.zip").read_bytes() for part in ("function", "layer"))
    difference = deployment.look(code, layer)
    if difference.problem:
        return _refused(difference.problem)
    _say(difference.lines())
    if is_dry or difference.is_empty:
        return 0
    if not is_confirmed(is_given=is_agreed):
        return _refused(NOT_CONFIRMED)
    url = deployment.run(difference, code, layer)
    sys.stdout.write(f"{url}\n" if url else "")
    if any(timer.enabled and timer.message == CHECK for timer in plan.timers):
        sys.stderr.write(alarm_to_make(plan))
    return 0


def _rollback(rollback: Rollback, cloud: Cloud, options: Namespace) -> int:
    if rollback.problem:
        return _refused(rollback.problem)
    if not rollback.asked:
        _say(rollback.listed())
        return 1
    _say(rollback.lines())
    if options.dry_run or rollback.is_empty:
        return 0
    if not is_confirmed(is_given=options.yes):
        return _refused(NOT_CONFIRMED)
    rollback.run(cloud)
    return 0


def _remove(plan: Plan, cloud: Cloud, *, is_agreed: bool, is_dry: bool) -> int:
    removal = removal_of(plan, cloud)
    if problem := foreign(plan, removal.function):
        return _refused(problem)
    _say(removal.lines())
    if is_dry or removal.is_empty:
        return 0
    if not is_confirmed(is_given=is_agreed):
        return _refused(NOT_CONFIRMED)
    removal.run(cloud)
    return 0


def _say(lines: Iterable[str]) -> None:
    sys.stderr.writelines(f"{line}\n" for line in lines)


def _refused(problem: str) -> int:
    sys.stderr.write(f"{problem}\n")
    return 1


def alarm_to_make(plan: Plan) -> str:
    """What has to be made once in the console: SCF's own API makes no alarms.

    583/30133 of cloud.tencent.com/document/product describes the policy, 248/34638 the metric.
    """
    function = f"{plan.function} of the namespace {plan.namespace} in {plan.region}"
    return f"""
Make this alarm once, in the console of Tencent Cloud Observability Platform, Alarm Policies:
  policy type  Cloud Function, function/alias
  object       {function}, alias $DEFAULT
  condition    number of call errors (Error), 1 minute, > 0
While something needs an operator, the timer "check" fails every five minutes, and its log lists the groups first.
Then: make status FUNCTION=scf:{plan.function} NAMESPACE={plan.namespace} REGION={plan.region}
"""


def _parser() -> CommandParser:
    made = CommandParser(prog="python -m layers.scf", description="Deploy to Tencent SCF.")
    commands = made.add_subparsers(dest="command", required=True)
    deploying, rolling_back, removing = (commands.add_parser(name) for name in ("deploy", "rollback", "remove"))
    for command in (deploying, rolling_back, removing):
        command.add_argument("--region", help="where, such as ap-singapore")
        command.add_argument("--namespace", help="of the function")
        command.add_argument("--function", help="its name")
        command.add_argument("--stage", default=parameters.PRODUCTION, help="of another one: <name>-<stage>")
        command.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
        command.add_argument("--yes", action="store_true", help="do not ask")
    rolling_back.add_argument("--version", help="the number of one that is kept; without it they are listed")
    deploying.add_argument("--set", action="append", default=[], metavar="NAME=TEXT", help="as vpc.id=vpc-1")
    return made


if __name__ == "__main__":
    sys.exit(main())
