"""An operator at night: the function's log and metrics, the alarms on them, and the runbook's commands or the page.

Nothing else is known to the operator: what the Chat server or the ledger holds is for the test to check afterwards.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Thread
from typing import Any, Final, TypeAlias

import pytest
import yaml

from handler import bootstrap
from handler.main import lambda_handler
from handler.telemetry import NAMESPACE
from layers.console.__main__ import ConsoleServer, address
from layers.console.site import Site
from layers.operate import table
from layers.operate.__main__ import main
from layers.operate.arguments import Event, read
from layers.operate.arguments import event_of as event_of_command
from layers.operate.functions import Checkout
from tests.e2e.watching import wait_for
from tests.integration.counting import SHORT_LIVES, SWEEP, TIMEOUT_S, order, over_http
from tests.sandbox.caller import ask
from tests.sandbox.chat import ChatServer
from tests.sandbox.cold_function import cold_function
from tests.sandbox.contexts import lambda_context
from tests.sandbox.dialects import event_of
from tests.sandbox.environment import sandboxed_environment
from tests.sandbox.faults import Fault

Line: TypeAlias = dict[str, object]

WELL: Final = "Well. (unfinished groups: 0, oldest operation: 0 s, "
QUIET: Final = {"frozen_groups": 0, "unfinished_groups": 0, "parked_records": 0, "oldest_unfinished_s": 0}
SWEEP_S: Final = 4.0

_NOTES: Final = ("Callers that may do everything", "Dropped at ")

_SERVERLESS = yaml.safe_load((Path(__file__).parents[2] / "serverless.yml").read_text("utf-8"))
_RESOURCES = _SERVERLESS["resources"][-1]["Resources"].values()
_ALARMS = {
    str(made["Properties"]["MetricName"]): made["Properties"]
    for made in _RESOURCES
    if made["Type"] == "AWS::CloudWatch::Alarm" and made["Properties"].get("Namespace") == NAMESPACE
}
_FILTERS = {
    str(transformed["MetricName"]): re.findall(r'"(\w+)"', made["Properties"]["FilterPattern"])
    for made in _RESOURCES
    if made["Type"] == "AWS::Logs::MetricFilter"
    for transformed in made["Properties"]["MetricTransformations"]
}


class Failed(Exception):  # the words of a command, not an error of the tests
    """A command ended without an answer."""


class OnCall:
    """The function's output since it was last read, and the operator's hands: here those on the command line."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured

    def log(self) -> list[Line]:
        """The lines of the log that are new, metrics among them."""
        return [json.loads(line) for line in self._captured.readouterr().out.splitlines()]

    def run(self, *arguments: str) -> str:
        """Give a command, with the yes that it may want; Failed with its last line if it ends without an answer."""
        self._captured.readouterr()
        agreed = [] if arguments[0] in {"status", "inspect", "operation"} else ["--yes"]
        with _instance_of_its_own():
            code = main(["--local", *agreed, *arguments])
        said = self._captured.readouterr()
        if code:
            raise Failed(said.err.splitlines()[-1])
        return said.out.strip()

    def notes(self) -> list[str]:
        """What `status` says that is not about a group."""
        return [line for line in self.run("status").splitlines() if line.startswith(_NOTES)]

    def asked(self, *arguments: str) -> Any:  # noqa: ANN401  # JSON, of which each test knows the shape
        """The answer to a command, where that is JSON."""
        return json.loads(self.run(*arguments))

    def status(self) -> tuple[str, list[dict[str, str]]]:
        """What `status` says in its first line, and its table: a cell by its heading, for each group."""
        said = self.run("status").splitlines()
        health, *lines = [line for line in said if not line.startswith(_NOTES)]
        if not lines:
            return health, []
        starts = [found.start() for found in re.finditer(r"(?:^|(?<=  ))\S", lines[0])]
        rows = [[line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)] for line in lines]
        return health, [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


class AtThePage(OnCall):
    """The same operator at the page of `make console`: each command is what its script asks the page's server for."""

    def __init__(self, captured: pytest.CaptureFixture[str], address: str) -> None:
        super().__init__(captured)
        self._url, _, self._token = address.partition("/#")

    def run(self, *arguments: str) -> str:
        """The answer of the function, after the yes that the page may want."""
        return json.dumps(self._said(*arguments)["answer"])

    def status(self) -> tuple[str, list[dict[str, str]]]:
        """The line on health, and the page's table under the headings of the command's."""
        said = self._said("status")
        rows = [dict(zip(table.HEADINGS, table.cells(group), strict=True)) for group in said["answer"]["attention"]]
        return said["health"], rows

    def notes(self) -> list[str]:
        """The page's notes."""
        return list(self._said("status")["notes"])

    def _said(self, *arguments: str) -> Any:  # noqa: ANN401  # JSON, of which each test knows the shape
        event = event_of_command(read(["--local", *arguments]))
        self._captured.readouterr()
        said = self._asked(event=event)
        return self._asked(event=event, agreed=True) if "asks" in said else said

    def _asked(self, **fields: object) -> Any:  # noqa: ANN401
        headers = {"Content-Type": "application/json", "Console-Token": self._token, "Origin": self._url}
        answer = ask(f"{self._url}/console/event", "POST", headers, json.dumps(fields).encode(), timeout_s=30)
        if answer.status != 200:
            raise Failed(answer.fields["error"])
        return answer.fields


class _ColdCheckout(Checkout):
    def invoke(self, event: Event) -> object:
        with _instance_of_its_own():
            return super().invoke(event)


@contextmanager
def console() -> Iterator[str]:
    """The address of the page over the function of this checkout."""
    with ConsoleServer(Site(_ColdCheckout(), "made-up"), 0) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield address(server, "made-up")
        finally:
            server.shutdown()
            thread.join()


def lines_of(log: Sequence[Line], message: str) -> list[Line]:
    return [line for line in log if line.get("message") == message]


def metric(log: Sequence[Line], name: str) -> list[float]:
    """The values of a metric that these lines hold; those of a metric filter are counted as it counts them."""
    if name in _FILTERS:
        return [1.0 for line in log if line.get("error") in _FILTERS[name]]
    written = [line[name] for line in log if "_aws" in line and name in line]
    return [float(value) for values in written if isinstance(values, list) for value in values]


def alarms(log: Sequence[Line]) -> set[str]:
    """The metrics of the stack's alarms that are above the alarm's threshold in these lines.

    For how many minutes they have to stay there is CloudWatch's part.
    """
    return {
        name
        for name, alarm in _ALARMS.items()
        if alarm["Statistic"] != "SampleCount" and any(value > float(alarm["Threshold"]) for value in metric(log, name))
    }


def sweep(on_call: OnCall) -> list[Line]:
    """What a sweep writes."""
    on_call.log()
    lambda_handler(SWEEP, lambda_context(SWEEP_S))
    return on_call.log()


def gauges(log: Sequence[Line]) -> Mapping[str, float]:
    return {name: value for name in QUIET for value in metric(log, name)}


def health() -> int:
    """The status of `GET /v1/health`."""
    reply = lambda_handler(event_of("http-v2", "GET", "/v1/health", [], b""), lambda_context(TIMEOUT_S))
    return int(str(reply["statusCode"]))


def assert_over(on_call: OnCall) -> None:
    """A sweep's gauges are at 0, the next ones too, and `status` has nothing to show."""
    wait_for(lambda: gauges(sweep(on_call)) == QUIET, "the sweep that counts what was owed")
    said, groups = on_call.status()
    assert (said[: len(WELL)], groups) == (WELL, [])


def make_again_amid_a_call(chat: ChatServer, group: str) -> None:
    """A call of 5 has landed, its reply is lost, and another program copies the counters, 105, into the new group."""
    chat.plan([Fault("drop_after")])
    chat.always(Fault("drop_before"), "get")
    assert over_http(order(group, 5), "k")[0] == 202
    chat.clear_faults()
    chat.dismiss_group(group)
    chat.create_group(group, counters={"_receipt": 777, "like": 105})


@contextmanager
def calling(endpoint: str, folder: Path, **variables: str) -> Iterator[None]:
    """The function as it is deployed with an endpoint of the vendor; secret and ledger stay in the folder."""
    with cold_function(sandboxed_environment(endpoint, folder, WAIT_S="1", **SHORT_LIVES, **variables)):
        yield


@contextmanager
def having_counted(on_call: OnCall, chat: ChatServer, folder: Path, body: str) -> Iterator[ChatServer]:
    """The vendor, and a function that has executed this body, is warm, and has nothing new in its log."""
    with calling(chat.endpoint, folder):
        assert over_http(body, "before")[0] == 200
        on_call.log()
        yield chat


@contextmanager
def _instance_of_its_own() -> Iterator[None]:
    """An operator's event comes to another instance than the callers' requests, and a cold one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "http_context", lru_cache(maxsize=1)(bootstrap.http_context.__wrapped__))
        yield
