"""Deploy the function to Tencent SCF as `custom.tencent` of serverless.yml describes it, or remove it.

    python -m layers.scf deploy --set role=ChatCounters --set vpc.id=vpc-1 --set vpc.subnet=subnet-1
    python -m layers.scf deploy --dry-run
    python -m layers.scf remove

A deployment creates what is missing and changes what differs, so it can be repeated. It deletes triggers that the plan
does not have. A dry run reads what is deployed and prints the calls that would change it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from layers.build import OUTPUT
from layers.packaging.targets import SCF
from layers.scf.api import Cloud, CloudError, DryRun, Scf, absent_keys
from layers.scf.deploy import Deployment, remove
from layers.scf.plan import SERVICE, Plan, PlanError, read_plan

CHECK: Final = {"task": "check"}
"""The message of the timer that fails while something needs an operator."""

WAIT_S: Final = 300.0
"""How long a function or a layer may take to become ready."""


def main(
    arguments: Sequence[str] | None = None, built: Path = OUTPUT, sleep: Callable[[float], None] = time.sleep
) -> int:
    """Deploy or remove; 1 if that failed, with the reason on standard error."""
    options = _parser().parse_args(arguments)
    removing = options.command == "remove"
    absent = absent_keys(os.environ)
    if absent:
        sys.stderr.write(f"No keys of Tencent Cloud. Set {' and '.join(absent)}\n")
    try:
        plan = read_plan(SERVICE.read_text("utf-8"), dict(options.set), removing=removing)
        if absent:
            return 1
        cloud: Cloud = Scf(plan.region, os.environ)
        if options.dry_run:
            cloud = DryRun(cloud, print)
        if removing:
            remove(plan, cloud)
            return 0
        code, layer = (built / f"{SCF.name}-{part}.zip" for part in ("function", "layer"))
        url = Deployment(plan, cloud, WAIT_S, sleep).run(code.read_bytes(), layer.read_bytes())
    except (PlanError, CloudError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{url}\n" if url else "")
    if not options.dry_run and any(timer.enabled and timer.message == CHECK for timer in plan.timers):
        sys.stderr.write(alarm_to_make(plan))
    return 0


def alarm_to_make(plan: Plan) -> str:
    """What has to be made once in the console: SCF's own API makes no alarms.

    583/30133 of cloud.tencent.com/document/product describes the policy, 248/34638 the metric.
    """
    function = f"{plan.function} of the namespace {plan.namespace} in {plan.region}"
    return f"""
Make this alarm once, in the console of Tencent Cloud Observability Platform, Alarm Policies:
  policy type  Cloud Function, function/version
  object       {function}, version $LATEST
  condition    number of call errors (Error), 1 minute, > 0
While something needs an operator, the timer "check" fails every five minutes, and its log lists the groups first.
Then: make status FUNCTION=scf:{plan.function}
"""


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m layers.scf", description="Deploy to Tencent SCF.")
    made.add_argument("command", choices=("deploy", "remove"))
    made.add_argument("--dry-run", action="store_true", help="show the calls that would change something")
    made.add_argument("--set", type=_setting, action="append", default=[], metavar="NAME=TEXT", help="as vpc.id=vpc-1")
    return made


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("a setting is <name>=<text>")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
