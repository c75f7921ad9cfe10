"""Where an event goes: to this checkout, to AWS or to SCF; each answers, or says in one line why not."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from handler import bootstrap
from handler.main import lambda_handler, main_handler
from layers.operate.__main__ import main
from tests.sandbox.chat import ChatApp, ChatServer
from tests.sandbox.environment import KEY, SDKAPPID, sandboxed_environment
from tests.sandbox.lambda_api import Handler, LambdaServer
from tests.sandbox.scf_api import Function, ScfServer
from tests.sandbox.tc3 import Credentials

ROOT = Path(__file__).parents[4]
NAME = "counter"
ACCOUNT = Credentials("AKIDmadeupmadeupmadeup", "made-up-key-of-the-account")
UNKNOWN = "BadInput: GroupId: is not known: nothing was ever accepted for this group\n"
LIST = ("parked", "list")
INSPECT = ("inspect", "--group", "g")


def logged_aside(handler: Handler) -> Handler:
    """The function with its log on standard error: a deployed one does not write into the command's answer."""

    def logged(event: object, context: object) -> object:
        with redirect_stdout(sys.stderr):
            return handler(event, context)

    return logged


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,))) as server:
        yield server


@pytest.fixture
def function(chat: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The settings of a function in this process."""
    for name, text in sandboxed_environment(chat.endpoint, tmp_path).items():
        monkeypatch.setenv(name, text)
    yield
    bootstrap.reset()


@pytest.fixture
def aws(function: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[LambdaServer]:
    """The function on AWS, and an environment with credentials but without a region."""
    with LambdaServer({NAME: logged_aside(lambda_handler)}) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{server.address}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_CONFIG_FILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
        yield server


@pytest.fixture
def scf(function: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScfServer]:
    """The function on SCF in the region and namespace of serverless.yml, and an environment with the account's keys."""
    with ScfServer(ACCOUNT, "ap-singapore") as server:
        server.functions["default", NAME] = Function({}, handler=logged_aside(main_handler))
        monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", ACCOUNT.secret_id)
        monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", ACCOUNT.secret_key)
        monkeypatch.delenv("TENCENTCLOUD_TOKEN", raising=False)
        monkeypatch.setenv("TENCENT_SCF_ENDPOINT", f"http://{server.address}")
        yield server


def last(capsys: pytest.CaptureFixture[str]) -> str:
    """The last line of standard error, which has nothing of a traceback before it."""
    told = capsys.readouterr().err
    assert "Traceback" not in told
    return told.splitlines(keepends=True)[-1]


def on_aws(*task: str, region: str = "eu-west-1") -> int:
    return main(["--function", NAME, *(["--region", region] if region else []), *task])


def on_scf(*task: str) -> int:
    return main(["--function", f"scf:{NAME}", *task])


def test_a_function_on_aws_answers_and_is_invoked_once(aws: LambdaServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert on_aws(*LIST) == 0
    assert json.loads(capsys.readouterr().out)["records"] == []
    assert aws.invoked == [(NAME, {"Type": "Operator", "task": "parked", "action": "list"})]


def test_an_error_of_the_function_on_aws_is_one_line(aws: LambdaServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert on_aws(*INSPECT) == 1
    assert last(capsys) == UNKNOWN
    assert len(aws.invoked) == 1


def test_without_a_region_aws_is_not_asked(aws: LambdaServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert on_aws(*LIST, region="") == 1
    assert last(capsys) == "You must specify a region. Say REGION=…, or --region\n"
    assert aws.invoked == []


def test_the_region_of_an_arn_is_enough(aws: LambdaServer, capsys: pytest.CaptureFixture[str]) -> None:
    arn = f"arn:aws:lambda:ap-southeast-1:123456789012:function:{NAME}"
    aws.functions = {arn: aws.functions[NAME]}
    assert main(["--function", arn, *LIST]) == 0
    assert json.loads(capsys.readouterr().out)["records"] == []


def test_a_function_that_is_not_on_aws_is_named_with_the_region(
    aws: LambdaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.functions = {}
    assert on_aws(*LIST) == 1
    assert last(capsys) == "counter in eu-west-1: ResourceNotFoundException: Function not found: counter\n"


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (
            ("ExpiredTokenException", "The security token included in the request is expired"),
            "ExpiredTokenException: The security token included in the request is expired",
        ),
        (("InvalidSignatureException", "The Canonical String was 'POST …'"), "InvalidSignatureException"),
    ],
)
def test_credentials_that_aws_refuses_are_one_line_without_what_was_signed(
    aws: LambdaServer, capsys: pytest.CaptureFixture[str], refusal: tuple[str, str], told: str
) -> None:
    aws.refusal = refusal
    assert on_aws(*LIST) == 1
    assert last(capsys) == f"counter in eu-west-1: {told}\n"


def test_without_credentials_aws_is_not_asked(
    aws: LambdaServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert on_aws(*LIST) == 1
    assert last(capsys) == "counter in eu-west-1: Unable to locate credentials\n"
    assert aws.invoked == []


def test_without_boto3_a_function_on_aws_is_out_of_reach(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    assert on_aws(*INSPECT) == 1
    assert capsys.readouterr().err == "--function needs boto3, which is not installed here: pip install boto3\n"


def test_a_function_on_scf_answers_and_is_invoked_once_and_synchronously(
    scf: ScfServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert on_scf(*LIST) == 0
    assert json.loads(capsys.readouterr().out)["records"] == []
    [(action, fields)] = scf.calls
    assert (action, fields["InvocationType"]) == ("Invoke", "RequestResponse")
    assert json.loads(str(fields["ClientContext"])) == {"Type": "Operator", "task": "parked", "action": "list"}


def test_an_error_of_the_function_on_scf_is_the_last_line_of_its_trace(
    scf: ScfServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert on_scf(*INSPECT) == 1
    assert capsys.readouterr().err.endswith(UNKNOWN)
    assert len(scf.calls) == 1


def test_a_function_that_is_not_on_scf_is_named_with_its_namespace_and_region(
    scf: ScfServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--function", f"scf:{NAME}", "--namespace", "other", *LIST]) == 1
    told = last(capsys)
    assert told.startswith("other/counter of SCF in ap-singapore: Invoke: ResourceNotFound.FunctionName: ")


def test_another_region_is_asked_where_one_is_given(scf: ScfServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--function", f"scf:{NAME}", "--region", "ap-guangzhou", *LIST]) == 1
    assert "of SCF in ap-guangzhou: Invoke: UnsupportedRegion" in last(capsys)


def test_a_wrong_key_of_the_account_is_reported_and_not_shown(
    scf: ScfServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "another-key-of-the-account")
    assert on_scf(*LIST) == 1
    assert last(capsys) == "default/counter of SCF in ap-singapore: Invoke: AuthFailure.SignatureFailure\n"


def test_without_keys_of_the_account_scf_is_not_asked(
    scf: ScfServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TENCENTCLOUD_SECRET_ID")
    assert on_scf(*LIST) == 1
    assert last(capsys) == "TENCENTCLOUD_SECRET_ID: not set\n"
    assert scf.calls == []


@pytest.mark.parametrize("named", [NAME, f"scf:{NAME}"])
def test_a_pause_names_what_it_acts_on_and_status_shows_it_until_it_is_resumed(
    aws: LambdaServer, scf: ScfServer, capsys: pytest.CaptureFixture[str], tmp_path: Path, named: str
) -> None:
    where = ["--function", named, *(["--region", "eu-west-1"] if named == NAME else [])]
    assert main([*where, "pause", "--reason", "the vendor asked"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert f"app       {SDKAPPID}\n" in told.err
    assert f"ledger    sqlite:///{tmp_path}/ledger.sqlite\n" in told.err
    assert main([*where, "--yes", "pause", "--reason", "the vendor asked"]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] is True
    assert main([*where, "status"]) == 0
    assert capsys.readouterr().out.startswith("NOT WELL: PAUSED since ")
    assert main([*where, "--yes", "resume"]) == 0
    capsys.readouterr()
    assert main([*where, "status"]) == 0
    assert capsys.readouterr().out.startswith("Well. (unfinished groups: 0, ")
    assert main([*where, "--json", "status"]) == 0
    assert json.loads(capsys.readouterr().out)["attention"] == []


def test_the_function_of_this_checkout_answers_as_a_command(chat: ChatServer, tmp_path: Path) -> None:
    """With the environment as it is, which it says: JSON on standard output, the log on standard error."""
    environment = {**os.environ, **sandboxed_environment(chat.endpoint, tmp_path)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "layers.operate", "--local", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    listed, unknown = run(*LIST), run(*INSPECT)
    assert (listed.returncode, json.loads(listed.stdout)["records"]) == (0, [])
    assert listed.stderr.splitlines()[0] == "Acting on this checkout, with the settings of the environment"
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr.endswith(UNKNOWN)
    assert "Traceback" not in unknown.stderr


def test_settings_that_are_missing_here_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("CHAT_SECRET", "CHAT_REGION", "CHAT_ENDPOINT", "LEDGER_URL"):
        monkeypatch.delenv(name, raising=False)
    assert main(["--local", *LIST]) == 1
    assert last(capsys).startswith("SettingsError: ")
