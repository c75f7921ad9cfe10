"""The arguments make the event that the function reads; wrong ones, and such as would be ignored, are refused."""

import pytest

from handler.triggers.operator.requests import VERIFY, read_request
from layers.operate import arguments
from layers.operate.__main__ import main
from layers.operate.arguments import Event


def event(*given: str) -> Event:
    return arguments.event_of(arguments.read(["--stage", "prod", *given]))


@pytest.mark.parametrize(
    ("given", "fields"),
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
        ("restored", {"task": "restored"}),
        ("forget --group g --dry-run", {"task": "forget", "GroupId": "g", "dry_run": True}),
        ("forget --group g --even-remembered", {"task": "forget", "GroupId": "g", "even_remembered": True}),
        ("parked list --after a --limit 5", {"task": "parked", "action": "list", "after": "a", "limit": 5}),
        ("parked replay --id r", {"task": "parked", "action": "replay", "id": "r"}),
        ("parked replay --id r --key k", {"task": "parked", "action": "replay", "id": "r", "IdempotencyKey": "k"}),
        ("parked drop --id r", {"task": "parked", "action": "drop", "id": "r"}),
        ("status", {"task": "status"}),
        ("status --after a --limit 5", {"task": "status", "after": "a", "limit": 5}),
        (
            "operation --group g --caller c --key k",
            {"task": "operation", "GroupId": "g", "Caller": "c", "IdempotencyKey": "k"},
        ),
        ("pause --reason vendor", {"task": "pause", "reason": "vendor"}),
        ("pause --reason vendor --group g", {"task": "pause", "reason": "vendor", "GroupId": "g"}),
        ("resume", {"task": "resume"}),
        ("resume --group g", {"task": "resume", "GroupId": "g"}),
        ("release --group g --dry-run", {"task": "release", "GroupId": "g", "dry_run": True}),
        (
            "parked replay --all --source queue --limit 5",
            {"task": "parked", "action": "replay", "all": True, "source": "queue", "limit": 5},
        ),
    ],
)
def test_arguments_make_the_event_that_the_function_reads(given: str, fields: Event) -> None:
    made = event(*given.split())
    assert made == {"Type": "Operator", **fields}
    read_request(made)


def test_the_live_test_can_be_asked_for_too() -> None:
    assert event("verify", "--group", "g") == {"Type": "Operator", "task": VERIFY, "GroupId": "g"}
    assert event("verify", "--group", "g", "--quick")["quick"] is True


@pytest.mark.parametrize(
    "given",
    [
        *("", "--local", "inspect --group g", "--local inspect", "--local --function f inspect --group g"),
        *("--local burn", "--local pause", "--local operation --group g", "--local parked replay"),
        *("--local parked drop", "--local parked replay --id r --all"),
    ],
)
def test_wrong_arguments_are_refused(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(given.split())
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m layers.operate")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("--local --region eu-west-1 status", "--region and --namespace say where the function of --function"),
        ("--local --namespace n status", "--region and --namespace say where the function of --function"),
        ("--function f --namespace n status", "--namespace is for --function scf:<name>"),
        ("--stage prod --namespace n status", "--namespace is for --function scf:<name>"),
        ("--function f --stage prod status", "argument --stage: not allowed with argument --function"),
        ("--local --stage prod status", "argument --stage: not allowed with argument --local"),
        ("--function= status", "function is empty"),
        ("--stage= status", "stage is empty"),
        ("--stage prod --region= status", "region is empty"),
        ("--stage prod pause --reason r --group=", "GroupId is empty"),
        ("--local --yes status", "YES=1 (--yes) is for what changes something: status only looks"),
        ("--local --yes inspect --group g", "YES=1 (--yes) is for what changes something: inspect only looks"),
        ("--local parked list --id r", "unrecognized arguments: --id r"),
        ("--local parked drop --id r --all", "unrecognized arguments: --all"),
        ("--local parked replay --id r --limit 5", "--source, --after and --limit are for --all"),
        ("--local parked replay --all --key k", "--key is for --id: one key stands for one record"),
        ("--local --json restored", "JSON=1 (--json) is for status and verify: restored answers in JSON"),
        (
            "--local verify --group g",
            "verify tries out the live API: name the deployed function by FUNCTION=",
        ),
    ],
)
def test_what_would_be_ignored_is_refused_in_one_line(
    given: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A region beside no function would look as if it had been obeyed."""
    with pytest.raises(SystemExit, match="2"):
        main(given.split())
    [line] = capsys.readouterr().err.splitlines()
    assert named in line


@pytest.mark.parametrize("verdict", ["a", "a=perhaps", "=landed", ""])
def test_a_verdict_is_about_something_and_one_of_two(verdict: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        event("release", "--group", "g", "--verdict", verdict)
    assert "a verdict is <id>=landed or <id>=not-landed" in capsys.readouterr().err
