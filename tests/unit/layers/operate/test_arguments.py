"""The operator's command builds the event of its arguments, sends it once, and prints the reply."""

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest

from handler.triggers.operator.requests import VERIFY, read_request
from layers import operate
from layers.operate import OperatorError, deployed
from tests.sandbox.chat import ChatApp, ChatServer
from tests.sandbox.environment import KEY, SDKAPPID, sandboxed_environment

ROOT = Path(__file__).parents[3]
EVENT: operate.Event = {"Type": "Operator", "task": "inspect", "GroupId": "g"}


class Aws:
    """A Lambda client with a fixed answer."""

    def __init__(self, payload: object, **answer: object) -> None:
        self.answer = {"Payload": BytesIO(json.dumps(payload).encode()), **answer}
        self.invoked: list[tuple[str, object]] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, object]:  # noqa: N803  # boto3's names
        self.invoked.append((FunctionName, json.loads(Payload)))
        return self.answer


def event(*arguments: str) -> operate.Event:
    return operate.event_of(operate.parser().parse_args(["--local", *arguments]))


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        ("inspect --group g", {"task": "inspect", "GroupId": "g"}),
        ("adopt --group g", {"task": "adopt", "GroupId": "g"}),
        ("adopt --group g --drop-debt", {"task": "adopt", "GroupId": "g", "debt": "drop"}),
        ("release --group g", {"task": "release", "GroupId": "g"}),
        (
            "release --group g --verdict a=landed --verdict b=c=not-landed --receipt 0 --queued not-landed",
            {
                "task": "release",
                "GroupId": "g",
                "verdicts": {"a": "landed", "b=c": "not-landed"},
                "receipt": 0,
                "queued": "not-landed",
            },
        ),
        ("parked list --after a --limit 5", {"task": "parked", "action": "list", "after": "a", "limit": 5}),
        ("parked replay --id r", {"task": "parked", "action": "replay", "id": "r"}),
        ("parked replay --id r --key k", {"task": "parked", "action": "replay", "id": "r", "IdempotencyKey": "k"}),
        ("parked drop --id r", {"task": "parked", "action": "drop", "id": "r"}),
    ],
)
def test_arguments_make_the_event_that_the_function_reads(arguments: str, fields: operate.Event) -> None:
    made = event(*arguments.split())
    assert made == {"Type": "Operator", **fields}
    read_request(made)


def test_the_live_test_can_be_asked_for_too() -> None:
    assert event("verify", "--group", "g") == {"Type": "Operator", "task": VERIFY, "GroupId": "g"}
    assert event("verify", "--group", "g", "--quick")["quick"] is True


@pytest.mark.parametrize(
    "arguments",
    ["", "--local", "inspect --group g", "--local inspect", "--local --function f inspect --group g", "--local burn"],
)
def test_wrong_arguments_are_refused(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        operate.main(arguments.split())
    assert "usage: python -m layers.operate" in capsys.readouterr().err


@pytest.mark.parametrize("verdict", ["a", "a=perhaps", "=landed", ""])
def test_a_verdict_is_about_something_and_one_of_two(verdict: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        event("release", "--group", "g", "--verdict", verdict)
    assert "a verdict is <id>=landed or <id>=not-landed" in capsys.readouterr().err


def test_a_deployed_function_is_invoked_once_and_answers() -> None:
    aws = Aws({"done": True}, StatusCode=200)
    assert deployed(EVENT, "counter", aws) == {"done": True}
    assert aws.invoked == [("counter", EVENT)]


def test_an_error_of_a_deployed_function_is_told() -> None:
    aws = Aws({"errorType": "BadInput", "errorMessage": "GroupId: is not frozen", "stackTrace": []}, FunctionError="U")
    with pytest.raises(OperatorError, match=r"^BadInput: GroupId: is not frozen$"):
        deployed(EVENT, "counter", aws)


def test_without_boto3_a_deployed_function_is_out_of_reach(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    assert operate.main(["--function", "counter", "inspect", "--group", "g"]) == 1
    assert capsys.readouterr().err == "--function needs boto3, which is not installed here: pip install boto3\n"


def test_the_function_of_this_checkout_answers_as_a_command(tmp_path: Path) -> None:
    """With the environment as it is: JSON on standard output, the log on standard error."""
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,))) as chat:
        environment = {**os.environ, **sandboxed_environment(chat.endpoint, tmp_path)}

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "layers.operate", "--local", *arguments]
            return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

        listed, unknown = run("parked", "list"), run("inspect", "--group", "g")
    assert (listed.returncode, json.loads(listed.stdout)["records"]) == (0, [])
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr.endswith("BadInput: GroupId: is not known: nothing was ever accepted for this group\n")
