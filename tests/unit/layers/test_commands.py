"""Each command takes its own variables and options, and obeys them; any other is refused in one line that names it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MAKEFILE = ROOT / "Makefile"

PLACE = "FUNCTION STAGE REGION NAMESPACE"
TAKES: Mapping[str, str] = {
    "run": "VERBOSE",
    "serve": "FLAGS",
    "verify": f"{PLACE} GROUP JSON FLAGS",
    "verify-sandbox": "FLAGS",
    **dict.fromkeys(("test", "unit", "contract", "integration", "faults", "e2e"), "WORKERS"),
    "storm": "OPERATIONS LEDGER FLAGS",
    "soak": "LEDGER MINUTES FLAGS",
    "flood": "RECORDS FLAGS",
    "simulate": "SEEDS FLAGS",
    "mutants": "FLAGS",
    "fuzz": "EVENTS SECONDS FLAGS",
    "audit": "FLAGS",
    "console": f"{PLACE} FLAGS",
    "status": f"{PLACE} AFTER LIMIT JSON",
    "inspect": f"{PLACE} GROUP",
    "operation": f"{PLACE} GROUP CALLER KEY",
    "pause": f"{PLACE} GROUP REASON YES",
    "resume": f"{PLACE} GROUP YES",
    "adopt": f"{PLACE} GROUP FLAGS YES",
    "release": f"{PLACE} GROUP VERDICTS DRY_RUN FLAGS YES",
    "forget": f"{PLACE} GROUP DRY_RUN FLAGS YES",
    "restored": f"{PLACE} YES",
    "parked": f"{PLACE} ACTION ID ALL SOURCE AFTER LIMIT FLAGS YES",
    "deploy-aws": "REGION STAGE PARAMS YES",
    "rollback": "REGION STAGE VERSION YES",
    "remove-aws": "REGION STAGE YES",
    "deploy-scf": f"{PLACE} PARAMS FLAGS YES",
    "rollback-scf": f"{PLACE} VERSION FLAGS YES",
    "remove-scf": f"{PLACE} FLAGS YES",
    "pins": "PINS_FLAGS",
}
"""What each command of the Makefile takes beside PYTHON and VENV; a command that is not here takes nothing."""

NAMES = sorted({name for names in TAKES.values() for name in names.split()} | {"FUNTION"})
COMMANDS = re.findall(r"^([a-z0-9-]+):.*## ", MAKEFILE.read_text("utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Makefile alone, with what its targets depend on."""
    made = tmp_path_factory.mktemp("make")
    shutil.copy(MAKEFILE, made)
    for sources in ("tests", "tests/ministack", "tests/tools"):
        (made / sources).mkdir(exist_ok=True)
        (made / sources / "requirements.txt").touch()
    return made


def make(folder: Path, commands: str, *names: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What the commands would do with 1 as the text of each of these variables; nothing of it is done."""
    words = ["make", "--dry-run", *commands.split(), *(f"{name}=1" for name in names)]
    environ = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def test_only_commands_are_listed_and_each_is_one_of_make() -> None:
    text = MAKEFILE.read_text("utf-8").replace("\\\n", "")
    [listed] = re.findall(r"^COMMANDS := (.*)$", text, re.MULTILINE)
    assert sorted(listed.split()) == sorted(COMMANDS)
    assert TAKES.keys() <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_obeys_its_variables_and_refuses_all_others(folder: Path, command: str) -> None:
    taken = TAKES.get(command, "").split()
    plain = make(folder, command)
    assert plain.returncode == 0, plain.stderr
    for name in taken:
        obeyed = make(folder, command, name)
        assert (obeyed.returncode, obeyed.stdout != plain.stdout) == (0, True), name
    refused = make(folder, command, *NAMES)
    assert (refused.returncode, refused.stdout) == (2, "")
    [line] = refused.stderr.splitlines()
    assert f"make {command} would ignore " in line
    assert {*re.findall(r"(\w+) \(for: ", line)} == {*NAMES} - {*taken}


def test_a_refusal_names_the_commands_that_take_the_variable(folder: Path) -> None:
    refused = make(folder, "status", "VERSION", "FUNTION").stderr
    assert "VERSION (for: rollback rollback-scf)" in refused
    assert "FUNTION (for: no command)" in refused


def test_a_variable_is_for_any_of_the_commands_that_are_given(folder: Path) -> None:
    assert make(folder, "deploy-aws", "GROUP", "STAGE").returncode == 2
    assert make(folder, "deploy-aws verify", "GROUP", "STAGE").returncode == 0


def test_a_variable_of_the_environment_may_be_for_another_command(folder: Path) -> None:
    """Such as YES in a pipeline, or PARAMS that were exported for a deployment."""
    assert make(folder, "status", PARAMS="door=jwt", YES="1").stdout == make(folder, "status").stdout


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("layers.tokens backend", "unrecognized arguments: backend"),
        ("layers.openapi --yes", "unrecognized arguments: --yes"),
        ("layers.examples --yes", "unrecognized arguments: --yes"),
        ("layers.build moon", "invalid choice: 'moon'"),
        ("layers.console --local --region eu-west-1", "--region and --namespace say where the function of --function"),
        ("layers.console --local --stage prod", "argument --stage: not allowed with argument --local"),
        ("layers.console --function= --port 0", "function is empty"),
        ("layers.aws deploy --version 1", "unrecognized arguments: --version 1"),
        ("layers.aws rollback --params door=jwt", "unrecognized arguments: --params door=jwt"),
        ("layers.aws remove --params door=jwt", "unrecognized arguments: --params door=jwt"),
        ("layers.scf remove --set role=other", "unrecognized arguments: --set role=other"),
        ("layers.scf remove --region ap-tokyo --region ap-seoul", "--region is given twice"),
        ("layers.aws deploy --stage dev --stage test", "--stage is given twice"),
        ("layers.operate --function a --function b status", "--function is given twice"),
        ("layers.scf remove --function=", "function is empty"),
        ("layers.operate --local status --group g", "unrecognized arguments: --group g"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused_in_one_line(command: str, told: str) -> None:
    words = [sys.executable, "-m", *command.split()]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"python -m {words[2]}")
    assert told in line
