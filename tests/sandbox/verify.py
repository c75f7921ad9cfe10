"""`make verify`: the operator's live test, against a Chat server of its own or, with `--local`, against a real app.

With `--local` the function runs on this machine with the environment as it is, so that no function timeout cuts a whole
run short. Ends with 0 if no assumption is violated.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from handler.core.errors import CounterError
from handler.main import lambda_handler
from tests.sandbox.chat import ChatApp, ChatServer
from tests.sandbox.environment import KEY, SDKAPPID, sandboxed_environment

GROUP: Final = "scratch"


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify and print what was found. Gives 0, 1 if something is violated, or 2 if nothing could be tried."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.local and not options.group:
        parser.error("with --local the group has to be named, because its counters are written")
    options.group = options.group or GROUP
    event = {"Type": "Operator", "task": "verify", "GroupId": options.group, "quick": options.quick}
    what = "the app of this environment" if options.local else "the local Chat server, which is not your app,"
    takes = "half a minute" if options.quick else "some minutes"
    print(f"Verifying {what} on the group {options.group}; this takes {takes}.")
    with _environment(options.group, local=options.local), redirect_stdout(StringIO()):
        try:
            answer = lambda_handler(event, None)
        except CounterError as error:
            print(f"Not verified: {error}", file=sys.stderr)
            return 2
    print("\n".join(_lines(answer)))
    return 1 if answer["violated"] else 0


@contextmanager
def _environment(group: str, *, local: bool) -> Iterator[None]:
    """The environment as it is, or that of a function whose Chat server has the group."""
    if local:
        yield
        return
    with TemporaryDirectory(prefix="update-group-counter-") as folder, _chat() as chat:
        chat.create_group(group)
        os.environ.update(sandboxed_environment(chat.endpoint, Path(folder)))
        yield


def _chat() -> ChatServer:
    return ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,)))


def _lines(answer: Mapping[str, object]) -> Iterator[str]:
    findings = answer["findings"]
    for finding in findings if isinstance(findings, list) else []:
        bears_on = finding.get("assumption", "")
        yield f"  {finding['test']} {bears_on:2}  {finding['verdict']:10}  {finding['name']:38} {_evidence(finding)}"
        if "advice" in finding:
            yield f"{'':21}{finding['advice']}"
    yield f"\n{answer['calls']} calls; {answer['violated']} violated, {answer['not_tested']} not tested"


def _evidence(finding: Mapping[str, object]) -> str:
    evidence = finding.get("evidence", {})
    return " ".join(f"{name}={value}" for name, value in evidence.items()) if isinstance(evidence, dict) else ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox.verify", description="Verify the assumptions.")
    parser.add_argument("--group", help=f"a group made for tests, without counters of its own (default {GROUP})")
    parser.add_argument("--quick", action="store_true", help="fewer than 100 calls: L1, L2 and L5")
    parser.add_argument("--local", action="store_true", help="against the app of the environment; needs --group")
    return parser


if __name__ == "__main__":
    sys.exit(main())
