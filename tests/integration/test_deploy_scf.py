"""The deployment to SCF creates what is missing, changes what differs, shows no secret, and can be repeated."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from layers.scf import __main__ as scf
from layers.scf.api import REQUEST_BYTES
from tests.sandbox.scf_api import Fields, Function, ScfServer
from tests.sandbox.tc3 import Credentials

ACCOUNT = Credentials("AKIDmadeupmadeupmadeup", "made-up-key-of-the-account", "made-up-token-of-the-account")
REGION = "ap-singapore"
NAMED = ("--set", "role=ChatCounters", "--set", "vpc.id=vpc-1", "--set", "vpc.subnet=subnet-1")
FIRST = ["PublishLayerVersion", "CreateFunction", "UpdateFunctionEventInvokeConfig", *["CreateTrigger"] * 4]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScfServer]:
    """An empty account, and an environment with its keys."""
    with ScfServer(ACCOUNT, REGION) as server:
        monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", ACCOUNT.secret_id)
        monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", ACCOUNT.secret_key)
        monkeypatch.setenv("TENCENTCLOUD_TOKEN", ACCOUNT.token or "")
        monkeypatch.setenv("TENCENT_SCF_ENDPOINT", f"http://{server.address}")
        yield server


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """The zips of a function and its layer."""
    write(tmp_path, b"the function", b"the layer")
    return tmp_path


def write(folder: Path, function: bytes, layer: bytes) -> None:
    (folder / "scf-function.zip").write_bytes(function)
    (folder / "scf-layer.zip").write_bytes(layer)


def deploy(built: Path, *arguments: str) -> int:
    return scf.main(["deploy", *NAMED, *arguments], built, lambda _: None)


def deployed(cloud: ScfServer) -> Function:
    [found] = cloud.functions.values()
    return found


def test_each_missing_thing_is_one_line_before_any_call(
    monkeypatch: pytest.MonkeyPatch, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert scf.main(["deploy"], built, lambda _: None) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [word in line for word, line in zip(("TENCENTCLOUD_SECRET_ID", "role", "vpc"), lines, strict=True)]


def test_an_empty_account_gets_all_of_it(cloud: ScfServer, built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The layer, the function with its settings, repetitions and triggers; the command prints the URL."""
    assert deploy(built) == 0
    assert cloud.changes == FIRST
    fields = deployed(cloud).fields
    assert base64.b64decode(cast("dict[str, str]", fields["Code"])["ZipFile"]) == b"the function"
    assert (fields["Handler"], fields["Runtime"], fields["Type"]) == ("index.main_handler", "Python3.10", "Event")
    assert (fields["Role"], fields["VpcConfig"]) == ("ChatCounters", {"VpcId": "vpc-1", "SubnetId": "subnet-1"})
    assert fields["PublicNetConfig"] == {"PublicNetStatus": "ENABLE", "EipConfig": {"EipStatus": "ENABLE"}}
    assert fields["Layers"] == [{"LayerName": "update-group-counter", "LayerVersion": 1}]
    variables = {
        each["Key"]: each["Value"] for each in cast("dict[str, list[Fields]]", fields["Environment"])["Variables"]
    }
    assert (variables["CHAT_SECRET"], variables["INIT_EARLY"]) == ("tencent:update-group-counter", "on")
    assert deployed(cloud).repetitions == {"RetryConfig": [{"RetryNum": 2}], "MsgTTL": 21600}
    assert capsys.readouterr().out == "https://1400000000-abcdefghij.ap-singapore.tencentscf.com\n"


def test_the_triggers_send_what_the_function_reads(cloud: ScfServer, built: Path) -> None:
    """A URL for callers, the sweep each minute, and the example, which is closed."""
    assert deploy(built) == 0
    triggers = deployed(cloud).triggers
    assert set(triggers) == {("http", "url"), *(("timer", name) for name in ("sweep", "check", "daily-reset"))}
    sweep, check, reset = (triggers["timer", name] for name in ("sweep", "check", "daily-reset"))
    assert (sweep["TriggerDesc"], sweep["Enable"]) == ("0 * * * * * *", "OPEN")
    assert json.loads(str(sweep["CustomArgument"])) == {"task": "sweep"}
    assert (check["TriggerDesc"], check["Enable"]) == ("30 */5 * * * * *", "OPEN")
    assert json.loads(str(check["CustomArgument"])) == {"task": "check"}
    assert reset["Enable"] == "CLOSE"


def test_a_deployment_says_which_alarm_to_make_in_the_console(
    cloud: ScfServer, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the function's failed invocations, because the timer `check` fails while something needs an operator."""
    assert deploy(built) == 0
    told = capsys.readouterr().err
    for words in ("update-group-counter of the namespace default in ap-singapore", "(Error), 1 minute, > 0"):
        assert words in told
    assert told.endswith("make status FUNCTION=scf:update-group-counter\n")


def test_a_second_deployment_changes_the_function_and_creates_nothing(cloud: ScfServer, built: Path) -> None:
    """The same layer is used again, and the URL that callers know is not touched."""
    assert deploy(built) == 0
    cloud.calls.clear()
    write(built, b"other code", b"the layer")
    assert deploy(built) == 0
    assert cloud.changes == [
        *("UpdateFunctionCode", "UpdateFunctionConfiguration", "UpdateFunctionEventInvokeConfig", "UpdateTrigger"),
        *("UpdateTrigger", "UpdateTrigger"),
    ]
    assert base64.b64decode(str(deployed(cloud).fields["ZipFile"])) == b"other code"


def test_another_layer_becomes_a_new_version(cloud: ScfServer, built: Path) -> None:
    """The function uses it once it is ready; the older one stays, so that a deployment can go back to it."""
    assert deploy(built) == 0
    write(built, b"the function", b"another layer")
    assert deploy(built) == 0
    assert [each["LayerVersion"] for each in cloud.layers["update-group-counter"]] == [2, 1]
    assert deployed(cloud).fields["Layers"] == [{"LayerName": "update-group-counter", "LayerVersion": 2}]
    write(built, b"the function", b"the layer")
    assert deploy(built) == 0
    assert deployed(cloud).fields["Layers"] == [{"LayerName": "update-group-counter", "LayerVersion": 1}]


def test_a_trigger_that_the_plan_no_longer_has_is_deleted(cloud: ScfServer, built: Path) -> None:
    """An old timer would go on counting. What other tools have bound to the function is not ours."""
    assert deploy(built) == 0
    triggers = deployed(cloud).triggers
    old: Fields = {"Type": "timer", "TriggerName": "old", "TriggerDesc": "0 0 0 * * * *", "Qualifier": "$LATEST"}
    triggers["timer", "old"] = old
    triggers["cls", "logs"] = {"Type": "cls", "TriggerName": "logs", "TriggerDesc": "{}"}
    assert deploy(built) == 0
    ours = {("http", "url"), *(("timer", name) for name in ("sweep", "check", "daily-reset"))}
    assert set(triggers) == {*ours, ("cls", "logs")}


def test_a_dry_run_shows_the_calls_and_changes_nothing(
    cloud: ScfServer, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Zips by their size, values of variables only where they are plain, and no key of the account."""
    assert deploy(built, "--dry-run") == 0
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.splitlines()] == FIRST
    assert (cloud.changes, cloud.functions, cloud.layers) == ([], {}, {})
    assert base64.b64encode(b"the layer").decode() not in told
    assert not any(secret in told for secret in (ACCOUNT.secret_id, ACCOUNT.secret_key, str(ACCOUNT.token)))
    assert '"Key": "CHAT_REGION", "Value": "singapore"' in told


def test_a_value_that_may_be_secret_is_not_shown(
    cloud: ScfServer, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A store's URL may hold a password, wherever it was written down."""
    secret = "rediss://default:made-up-password@10.0.0.1:6379"
    assert deploy(built, "--dry-run", "--set", f"environment.LEDGER_URL={secret}") == 0
    assert "made-up-password" not in capsys.readouterr().out


def test_what_is_removed_is_the_function_and_its_layer(cloud: ScfServer, built: Path) -> None:
    assert deploy(built) == 0
    for _ in range(2):
        assert scf.main(["remove"]) == 0
    assert (cloud.functions, cloud.layers["update-group-counter"]) == ({}, [])


def test_a_wrong_key_is_reported_and_not_shown(
    cloud: ScfServer, built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The API's own message repeats the request's signature."""
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "another-key-of-the-account")
    assert deploy(built) == 1
    assert capsys.readouterr().err == "ListLayerVersions: AuthFailure.SignatureFailure\n"
    assert cloud.calls == []


def test_a_function_that_cannot_be_made_stops_the_deployment(
    cloud: ScfServer, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.breaks = True
    assert deploy(built) == 1
    assert "CreateFailed" in capsys.readouterr().err
    assert "CreateTrigger" not in cloud.changes


def test_a_change_that_is_never_done_is_given_up(
    cloud: ScfServer, built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scf, "WAIT_S", 0.0)
    assert deploy(built) == 1
    assert "not ready after 0 s" in capsys.readouterr().err


def test_a_zip_that_is_too_large_is_not_sent(cloud: ScfServer, built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(built, b"the function", bytes(REQUEST_BYTES))
    assert deploy(built) == 1
    assert "COS" in capsys.readouterr().err
    assert cloud.changes == []
