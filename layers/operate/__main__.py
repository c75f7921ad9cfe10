"""Send an operator event: to the function in this process, or to a deployed one.

    python -m layers.operate --local inspect --group live-room
    python -m layers.operate --function update-group-counter release --group live-room --verdict <id>=landed
    python -m layers.operate --function update-group-counter parked list

`--local` takes the settings from the environment of this process. The reply is JSON on standard output, log lines go to
standard error, and the exit code is 0 if there was a reply.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Protocol, TypeAlias

Event: TypeAlias = dict[str, object]

# The longest that a function on AWS can run.
LIMIT_S = 900

VERDICTS = ("landed", "not-landed")


class OperatorError(Exception):
    """The function did not answer; the text holds the reason, if it gave one."""


class Lambda(Protocol):
    """The part of boto3's Lambda client that this command uses."""

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, object]:  # noqa: N803  # boto3's names
        """Invoke and wait."""
        ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Send one event and print its reply; 1 if there was none."""
    options = parser().parse_args(arguments)
    event = event_of(options)
    try:
        reply = locally(event) if options.function is None else deployed(event, options.function, client())
    except OperatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(reply, indent=2, ensure_ascii=False) + "\n")
    return 0


def event_of(options: argparse.Namespace) -> Event:
    """The event that the arguments ask for: they have the names of its fields."""
    given = {name: value for name, value in vars(options).items() if value is not None and name != "function"}
    if "verdicts" in given:
        given["verdicts"] = dict(given["verdicts"])
    return {"Type": "Operator", **given}


def locally(event: Event) -> object:
    """Run the function in this process, without a deadline."""
    # A deployed function is operated without the function's own packages.
    from handler.core.errors import CounterError  # noqa: PLC0415
    from handler.main import lambda_handler  # noqa: PLC0415

    with redirect_stdout(sys.stderr):
        try:
            return lambda_handler(event, None)
        except CounterError as error:
            raise OperatorError(f"{type(error).__name__}: {error}") from None


def deployed(event: Event, function: str, aws: Lambda) -> object:
    """Invoke a function on AWS and wait for what it returns."""
    answer = aws.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    body = answer["Payload"]
    # The body is a stream.
    text = body.read().decode() if hasattr(body, "read") else str(body)
    if "FunctionError" in answer:
        error = json.loads(text)
        raise OperatorError(f"{error.get('errorType', 'error')}: {error.get('errorMessage', 'the function ended')}")
    return json.loads(text)


def client() -> Lambda:
    """boto3's client, with the credentials and the region that it finds; OperatorError without boto3."""
    try:
        import boto3  # noqa: PLC0415  # needed for deployed functions only
        from botocore.config import Config  # noqa: PLC0415
    except ImportError:
        raise OperatorError("--function needs boto3, which is not installed here: pip install boto3") from None
    # The library must not retry: an event that is under way is never sent a second time.
    made: Lambda = boto3.client("lambda", config=Config(read_timeout=LIMIT_S, retries={"total_max_attempts": 1}))
    return made


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = argparse.ArgumentParser(prog="python -m layers.operate", description="Send an operator event.")
    where = made.add_mutually_exclusive_group(required=True)
    local = "the function in this process, with the settings of the environment"
    where.add_argument("--local", action="store_const", const=None, dest="function", help=local)
    where.add_argument("--function", help="the name or ARN of a function on AWS")
    tasks = made.add_subparsers(dest="task", required=True)
    for task in ("inspect", "adopt", "release", "verify"):
        taken = tasks.add_parser(task)
        taken.add_argument("--group", required=True, dest="GroupId", metavar="ID", help="its GroupId")
        if task == "verify":
            taken.add_argument("--quick", action="store_const", const=True, help="fewer than 100 calls")
        if task in {"adopt", "release"}:
            drop = "give up what is owed back to the group"
            taken.add_argument("--drop-debt", action="store_const", const="drop", dest="debt", help=drop)
        if task == "release":
            form = "ID=landed|not-landed"
            taken.add_argument("--verdict", type=_verdict, action="append", dest="verdicts", metavar=form)
            taken.add_argument("--queued", choices=VERDICTS, help="a restored group's queue, where not named")
            taken.add_argument("--receipt", type=int, help="the receipt upstream as the inspection showed it")
    tasks.add_parser("restored")
    parked = tasks.add_parser("parked")
    parked.add_argument("action", choices=("list", "replay", "drop"))
    parked.add_argument("--id", help="of the record")
    parked.add_argument(
        "--key", dest="IdempotencyKey", metavar="KEY", help="another idempotency key to replay it under"
    )
    parked.add_argument("--after", help="the id that the page comes after")
    parked.add_argument("--limit", type=int, help="records of a page")
    return made


def _verdict(text: str) -> tuple[str, str]:
    named, _, verdict = text.rpartition("=")
    if not named or verdict not in VERDICTS:
        raise argparse.ArgumentTypeError("a verdict is <id>=landed or <id>=not-landed")
    return named, verdict


if __name__ == "__main__":
    sys.exit(main())
