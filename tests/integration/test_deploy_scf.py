"""The deployment to SCF creates what is missing, changes what differs, shows no secret, and can be repeated."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from layers.scf import __main__ as scf
from layers.scf.api import REQUEST_BYTES
from layers.scf.plan import SERVICE
from tests.sandbox.scf_api import Fields, Function, ScfServer, Version
from tests.sandbox.tc3 import Credentials

ACCOUNT = Credentials("AKIDmadeupmadeupmadeup", "made-up-key-of-the-account", "made-up-token-of-the-account")
REGION = "ap-singapore"
NEEDED = {"role": "ChatCounters", "vpc.id": "vpc-1", "vpc.subnet": "subnet-1"}
SERVED = ["UpdateFunctionEventInvokeConfig", "PublishVersion", "UpdateAlias"]
FIRST = ["PublishLayerVersion", "CreateFunction", *SERVED, *["CreateTrigger"] * 4]
AGAIN = ["UpdateFunctionConfiguration", "UpdateFunctionCode", *SERVED]
OTHER = (b"other code", b"another layer")


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


def words(**changed: str) -> list[str]:
    """The options that set what is needed, and these in its place or beside it."""
    return [word for name, text in {**NEEDED, **changed}.items() for word in ("--set", f"{name}={text}")]


def deploy(built: Path, *arguments: str, **changed: str) -> int:
    return scf.main(["deploy", "--yes", *words(**changed), *arguments], built, lambda _: None)


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
    assert cloud.pair(deployed(cloud)) == (b"the function", b"the layer")
    assert (fields["Handler"], fields["Runtime"], fields["Type"]) == ("index.main_handler", "Python3.10", "Event")
    assert (fields["Role"], fields["VpcConfig"]) == ("ChatCounters", {"VpcId": "vpc-1", "SubnetId": "subnet-1"})
    assert fields["PublicNetConfig"] == {"PublicNetStatus": "ENABLE", "EipConfig": {"EipStatus": "ENABLE"}}
    assert fields["Layers"] == [{"LayerName": "update-group-counter", "LayerVersion": 1}]
    variables = {
        each["Key"]: each["Value"] for each in cast("dict[str, list[Fields]]", fields["Environment"])["Variables"]
    }
    assert (variables["CHAT_SECRET"], variables["INIT_EARLY"]) == ("tencent:update-group-counter", "on")
    served = deployed(cloud).versions["1"]
    assert served.repetitions == {"RetryConfig": [{"RetryNum": 2}], "MsgTTL": 21600}
    assert (deployed(cloud).served, served.fields["Description"]) == ("1", fields["Description"])
    assert capsys.readouterr().out == "https://1400000000-abcdefghij.ap-singapore.tencentscf.com\n"


def test_the_triggers_send_what_the_function_reads(cloud: ScfServer, built: Path) -> None:
    """A URL for callers, the sweep each minute, and the example, which is closed."""
    assert deploy(built) == 0
    triggers = deployed(cloud).triggers
    assert set(triggers) == {("http", "requests"), *(("timer", name) for name in ("sweep", "check", "daily-reset"))}
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
    assert told.endswith(f"make status FUNCTION=scf:update-group-counter NAMESPACE=default REGION={REGION}\n")


CHANGES: tuple[tuple[tuple[str, ...], list[str], str], ...] = (
    ((), [], "no changes"),
    (("memory=1024",), AGAIN, "~ MemorySize: 512 -> 1024"),
    (("role=Other",), AGAIN, "~ Role: ChatCounters -> Other"),
    (("vpc.subnet=subnet-2",), AGAIN, "~ VpcConfig.SubnetId: subnet-1 -> subnet-2"),
    (
        ("log.set=set-1", "log.topic=topic-1"),
        AGAIN,
        "~ ClsLogsetId: none -> set-1\n~ ClsTopicId: none -> topic-1",
    ),
    (
        ("environment.CHAT_REGION=frankfurt",),
        AGAIN,
        "~ Environment.CHAT_REGION: singapore -> frankfurt",
    ),
    (
        ("environment.LEDGER_URL=rediss://:made-up-password@10.0.0.1:6379",),
        AGAIN,
        "~ Environment.LEDGER_URL: tencent:update-group-counter-ledger -> …",
    ),
    (
        ("code=other code",),
        AGAIN,
        "code        other than there",
    ),
    (
        ("layer=another layer",),
        ["PublishLayerVersion", *AGAIN],
        "~ Layers: update-group-counter, version 1 -> update-group-counter, a new version",
    ),
)
"""What is changed, the calls that this takes, and what the deployment says of it."""


@pytest.mark.parametrize(("changed", "calls", "said"), CHANGES)
def test_what_differs_is_said_with_old_and_new_and_is_all_that_changes(
    cloud: ScfServer,
    built: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    changed: tuple[str, ...],
    calls: list[str],
    said: str,
) -> None:
    """A dry run says the same and changes nothing, and the deployment after the change finds no difference."""
    assert deploy(built) == 0
    settings: dict[str, str] = {}
    for name, _, text in (each.partition("=") for each in changed):
        if name == "code":
            write(built, text.encode(), b"the layer")
        elif name == "layer":
            write(built, b"the function", text.encode())
        elif name == "memory":
            service = built / "serverless.yml"
            service.write_text(SERVICE.read_text("utf-8").replace("memoryMb: 512", f"memoryMb: {text}"), "utf-8")
            monkeypatch.setattr(scf, "SERVICE", service)
        else:
            settings[name] = text
    cloud.calls.clear()
    capsys.readouterr()
    assert deploy(built, "--dry-run", **settings) == 0
    told = capsys.readouterr().err
    assert f"\n{said}\n" in told
    assert "made-up-password" not in told
    assert cloud.changes == []
    assert deploy(built, **settings) == 0
    assert cloud.changes == calls
    cloud.calls.clear()
    capsys.readouterr()
    assert deploy(built, **settings) == 0
    assert (cloud.changes, "no changes" in capsys.readouterr().err) == ([], True)


@pytest.fixture
def served(cloud: ScfServer, monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes]]:
    """The code and the layer that events met after each call, from the first deployment on."""
    pairs: list[tuple[bytes, bytes]] = []
    answer = cloud.answer

    def watched(action: str, fields: Fields) -> Fields:
        try:
            return answer(action, fields)
        finally:
            pairs.extend(cloud.pair(each) for each in cloud.functions.values())

    monkeypatch.setattr(cloud, "answer", watched)
    return pairs


def test_code_and_layer_that_change_together_are_served_in_one_step(
    cloud: ScfServer, built: Path, served: list[tuple[bytes, bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    """So they may change in ways that fit only together, such as a major version of a library."""
    assert deploy(built) == 0
    write(built, *OTHER)
    assert deploy(built) == 0
    assert "~ version 1 is served -> a new one, with code, settings and layer in one step\n" in capsys.readouterr().err
    assert set(served) == {(b"the function", b"the layer"), OTHER}
    first = served.index(OTHER)
    assert set(served[first:]) == {OTHER}
    assert cloud.changes[-1] == "UpdateAlias"


@pytest.mark.parametrize("action", ["PublishLayerVersion", *AGAIN])
def test_a_deployment_that_ends_half_way_serves_nothing_of_it_and_is_repeated(
    cloud: ScfServer, built: Path, served: list[tuple[bytes, bytes]], action: str
) -> None:
    """Back to the first zips there is nothing to do, and forward all of it is done again."""
    assert deploy(built) == 0
    write(built, *OTHER)
    cloud.fails_at = action
    assert deploy(built, **{"environment.CHAT_REGION": "frankfurt"}) == 1
    assert set(served) == {(b"the function", b"the layer")}
    cloud.fails_at = None
    cloud.calls.clear()
    write(built, b"the function", b"the layer")
    assert deploy(built) == 0
    assert cloud.changes == []
    write(built, *OTHER)
    assert deploy(built) == 0
    assert (served[-1], [each for each in cloud.changes if each in AGAIN]) == (OTHER, AGAIN)


def rollback(built: Path, *arguments: str) -> int:
    return scf.main(["rollback", *arguments], built, lambda _: None)


def test_a_rollback_serves_an_earlier_version_in_one_step(
    cloud: ScfServer, built: Path, served: list[tuple[bytes, bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    """It says from where to where and what differs, and the next deployment goes forward."""
    assert deploy(built) == 0
    write(built, *OTHER)
    changed = {"environment.CHAT_REGION": "frankfurt"}
    assert deploy(built, **changed) == 0
    for arguments, code in ((("--version", "1", "--dry-run"), 0), (("--version", "1"), 1)):
        assert rollback(built, *arguments) == code
        assert deployed(cloud).served == "2"
    cloud.calls.clear()
    capsys.readouterr()
    assert rollback(built, "--version", "1", "--yes") == 0
    assert (
        capsys.readouterr().err
        == f"""Acting on default/update-group-counter of SCF in {REGION}
This switches default/update-group-counter of SCF in {REGION} from version 2 to version 1,
which was published at 2026-11-30 08:01:00: code, settings and layer in one step.
~ code: another
~ Environment.CHAT_REGION: frankfurt -> singapore
~ Layers: update-group-counter, version 2 -> update-group-counter, version 1
Groups whose rows that version cannot read wait for a later one.
The ledger and the triggers stay as they are.
"""
    )
    assert (cloud.changes, served[-1]) == (["UpdateAlias"], (b"the function", b"the layer"))
    assert deploy(built, **changed) == 0
    assert (deployed(cloud).served, served[-1]) == ("3", OTHER)


def test_a_rollback_without_a_version_lists_those_that_are_kept(
    cloud: ScfServer, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy(built) == 0
    assert deploy(built, **{"environment.CHAT_REGION": "frankfurt"}) == 0
    capsys.readouterr()
    assert rollback(built) == 1
    assert capsys.readouterr().err.splitlines()[1:] == [
        "Say which: VERSION=<number of this list>",
        "     2  2026-11-30 08:02:00  is served",
        "     1  2026-11-30 08:01:00",
    ]
    assert (rollback(built, "--version", "2"), deployed(cloud).served) == (0, "2")
    assert capsys.readouterr().err.endswith("no changes: version 2 is served\n")


def test_a_rollback_goes_to_no_version_that_a_deployment_has_not_published_to_its_end(
    cloud: ScfServer, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rollback(built, "--version", "1", "--yes") == 1
    assert "There is no function default/update-group-counter" in capsys.readouterr().err
    assert deploy(built) == 0
    versions = deployed(cloud).versions
    versions["2"] = Version(dict(deployed(cloud).fields))
    versions["3"] = Version(dict(deployed(cloud).fields) | {"Description": "theirs"}, turns=0)
    for version, word in (("2", "was not published to its end"), ("3", "there are 2, 1"), ("$LATEST", "is not kept")):
        assert rollback(built, "--version", version, "--yes") == 1
        assert word in capsys.readouterr().err
    served = deployed(cloud).fields
    ours, served["Description"] = served["Description"], "theirs"
    assert rollback(built, "--version", "2", "--yes") == 1
    assert "was not made by a deployment" in capsys.readouterr().err
    assert deployed(cloud).served == "1"
    deployed(cloud).served, deployed(cloud).versions["$LATEST"].fields["Description"] = "$LATEST", ours
    del versions["1"], versions["2"]
    assert rollback(built) == 1
    assert "the next deployment publishes the first\n" in capsys.readouterr().err


def test_five_versions_are_kept_and_the_one_that_is_served(
    cloud: ScfServer, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The plan names those that go. What others have published is neither counted nor deleted."""
    for number in range(6):
        write(built, str(number).encode(), b"the layer")
        assert deploy(built) == 0
    versions = deployed(cloud).versions
    assert list(versions) == ["$LATEST", "2", "3", "4", "5", "6"]
    assert "- version 1 of 2026-11-30 08:01:00\n" in capsys.readouterr().err
    versions["7"] = Version(dict(deployed(cloud).fields) | {"Description": "theirs"}, turns=0)
    assert rollback(built, "--version", "2", "--yes") == 0
    write(built, *OTHER)
    assert deploy(built) == 0
    assert list(versions) == ["$LATEST", *"2345678"]


def test_what_release_0_9_0_has_made_moves_to_the_alias(
    cloud: ScfServer, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It published no version, and bound its triggers to $LATEST. Its URL stays for the callers that know it."""
    assert deploy(built) == 0
    function = deployed(cloud)
    function.served = "$LATEST"
    del function.versions["1"]
    for trigger in function.triggers.values():
        trigger |= {"Qualifier": "$LATEST", "Description": ""}
    function.triggers["http", "url"] = function.triggers.pop(("http", "requests")) | {"TriggerName": "url"}
    capsys.readouterr()
    assert deploy(built) == 0
    told = capsys.readouterr()
    assert "~ version $LATEST is served -> a new one" in told.err
    assert "between them the old code has the new layer\n" in told.err
    assert "- timer sweep: 0 * * * * * *" in told.err
    assert "  http url of $LATEST serves the latest deployment, for callers of its address" in told.err
    assert (told.out, function.served) == ("https://1400000000-abcdefghij.ap-singapore.tencentscf.com\n", "1")
    bound = {name: trigger["Qualifier"] for (_, name), trigger in function.triggers.items()}
    named = ("requests", "sweep", "check", "daily-reset")
    assert bound == {"url": "$LATEST", **dict.fromkeys(named, "$DEFAULT")}
    cloud.calls.clear()
    assert deploy(built) == 0
    assert cloud.changes == []


@pytest.mark.parametrize("command", ["deploy", "remove"])
def test_nothing_is_changed_without_a_yes(
    cloud: ScfServer, built: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert deploy(built) == 0
    cloud.calls.clear()
    wanted = words(**{"environment.CHAT_REGION": "frankfurt"}) if command == "deploy" else ()
    assert scf.main([command, *wanted], built, lambda _: None) == 1
    assert capsys.readouterr().err.endswith("Nothing was done: it takes YES=1 (--yes), or a typed yes at a terminal\n")
    assert cloud.changes == []


@pytest.mark.parametrize("command", ["deploy", "remove"])
def test_a_function_that_no_deployment_has_made_is_left_alone(
    cloud: ScfServer, built: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert deploy(built) == 0
    deployed(cloud).fields["Description"] = deployed(cloud).latest.fields["Description"] = "of another team"
    cloud.calls.clear()
    assert scf.main([command, "--yes", *(words() if command == "deploy" else ())], built, lambda _: None) == 1
    assert "was not made by a deployment" in capsys.readouterr().err
    assert cloud.changes == []


def test_another_layer_becomes_a_new_version(cloud: ScfServer, built: Path) -> None:
    """The function uses it once it is ready; the older one stays, because versions of the function use it."""
    assert deploy(built) == 0
    write(built, b"the function", b"another layer")
    assert deploy(built) == 0
    assert [each["LayerVersion"] for each in cloud.layers["update-group-counter"]] == [2, 1]
    assert deployed(cloud).fields["Layers"] == [{"LayerName": "update-group-counter", "LayerVersion": 2}]
    write(built, b"the function", b"the layer")
    assert deploy(built) == 0
    assert deployed(cloud).fields["Layers"] == [{"LayerName": "update-group-counter", "LayerVersion": 1}]


def test_a_trigger_that_the_plan_no_longer_has_is_deleted(
    cloud: ScfServer, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An old timer would go on counting. What others have bound to the function stays, a timer of the console too."""
    assert deploy(built) == 0
    triggers = deployed(cloud).triggers
    old: Fields = {"Type": "timer", "TriggerName": "old", "TriggerDesc": "0 0 0 * * * *", "Qualifier": "$DEFAULT"}
    triggers["timer", "old"] = {**old, "Description": triggers["timer", "sweep"]["Description"]}
    triggers["timer", "theirs"] = {**old, "TriggerName": "theirs"}
    triggers["cls", "logs"] = {"Type": "cls", "TriggerName": "logs", "TriggerDesc": "{}"}
    assert deploy(built) == 0
    ours = {("http", "requests"), *(("timer", name) for name in ("sweep", "check", "daily-reset"))}
    assert set(triggers) == {*ours, ("cls", "logs"), ("timer", "theirs")}
    told = capsys.readouterr().err
    assert "- timer old: 0 0 0 * * * * (closed)\n" in told
    assert "timer theirs was not made by a deployment, and stays\n" in told


def test_a_timer_that_differs_is_brought_back(
    cloud: ScfServer, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy(built) == 0
    deployed(cloud).triggers["timer", "sweep"]["Enable"] = "CLOSE"
    assert deploy(built) == 0
    said = '~ timer sweep: 0 * * * * * * {"task":"sweep"} (closed) -> 0 * * * * * * {"task":"sweep"}\n'
    assert said in capsys.readouterr().err
    assert deployed(cloud).triggers["timer", "sweep"]["Enable"] == "OPEN"


def test_a_dry_run_of_an_empty_account_says_what_is_new(
    cloud: ScfServer, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It changes nothing, and shows no zip and no key of the account."""
    assert deploy(built, "--dry-run") == 0
    told = capsys.readouterr().err
    assert "default/update-group-counter, new\n" in told
    assert "+ timer sweep: 0 * * * * * *" in told
    assert (cloud.changes, cloud.functions, cloud.layers) == ([], {}, {})
    assert not any(secret in told for secret in (ACCOUNT.secret_id, ACCOUNT.secret_key, str(ACCOUNT.token)))


def test_what_is_removed_is_the_function_and_its_layer(cloud: ScfServer, built: Path) -> None:
    """It can be repeated, leaves a layer's version that was published otherwise, and can be deployed again."""
    assert deploy(built) == 0
    theirs: Fields = {"LayerName": "update-group-counter", "LayerVersion": 7, "Status": "Active", "Description": "mine"}
    cloud.layers["update-group-counter"].append(theirs)
    for _ in range(2):
        assert scf.main(["remove", "--yes"]) == 0
    assert (cloud.functions, cloud.layers["update-group-counter"]) == ({}, [theirs])
    cloud.calls.clear()
    assert deploy(built) == 0
    assert cloud.changes == FIRST


@pytest.mark.parametrize("command", ["deploy", "remove"])
def test_a_command_acts_on_the_function_that_it_names_first(
    cloud: ScfServer, built: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """A stage beside another has a function and a layer of its own, and either is removed without the other."""
    where = ("--region", REGION, "--namespace", "default", "--stage", "dev")
    assert deploy(built) == 0
    assert deploy(built, *where) == 0
    assert {name for _, name in cloud.functions} == {"update-group-counter", "update-group-counter-dev"}
    capsys.readouterr()
    assert scf.main([command, "--yes", *where, *(words() if command == "deploy" else ())], built, lambda _: None) == 0
    assert capsys.readouterr().err.startswith(f"Acting on default/update-group-counter-dev of SCF in {REGION}\n")
    if command == "remove":
        assert [name for _, name in cloud.functions] == ["update-group-counter"]
        assert len(cloud.layers["update-group-counter"]) == 1


def test_a_wrong_key_is_reported_and_not_shown(
    cloud: ScfServer, built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The API's own message repeats the request's signature."""
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "another-key-of-the-account")
    assert deploy(built) == 1
    assert capsys.readouterr().err.endswith("\nGetFunction: AuthFailure.SignatureFailure\n")
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
