"""The house keeps its plan: who may import whom, how large a part may grow, and that importing builds nothing."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import architecture

ROOT = Path(__file__).resolve().parent.parent
MODULES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in sorted((ROOT / "handler").rglob("*.py"))
}
CORE = {path: source for path, source in MODULES.items() if path.startswith("handler/core/")}

TOP_LEVEL = {
    *("serverless.yml", "handler", "layers", "tests", "events", "README.md"),
    *("pyproject.toml", "Makefile", "LICENSE", "CHANGELOG.md"),
}
LONGEST_MODULE = 300
OF_THE_TESTS = ("tests", "tests/ministack", "tests/tools")
LONGEST_FUNCTION = 40
# It is imported by the clouds and by nothing in here, and it builds nothing unless INIT_EARLY is on.
EARLY = {"handler/preload.py": ["gc.disable()", "bootstrap.warm_up()", "gc.freeze()", "gc.enable()"]}
# Powertools itself imports botocore's empty top module where there is one, so that its user agent can be told; what
# costs time is the session below it.
HEAVY = ("aws_lambda_powertools.event_handler", "boto3", "botocore.session", "redis", "tencentcloud")


def test_the_imports_of_the_handler_point_downwards() -> None:
    """Each room imports from its own row of the table alone: only `bootstrap` names concrete classes."""
    assert _broken(MODULES, architecture.wrong_direction) == {}


def test_the_core_imports_only_itself_the_packages_of_values_and_what_computes() -> None:
    """Time, randomness, logs and every kind of I/O are passed in to the core."""
    assert _broken(CORE, lambda source, _: architecture.impure_imports(source)) == {}


def test_the_core_does_no_io_of_its_own() -> None:
    """The core opens, prints and reads nothing, and imports nothing by text."""
    assert _broken(CORE, lambda source, _: architecture.direct_io(source)) == {}


def test_the_handler_holds_only_the_planned_folders() -> None:
    """A room that the table does not name has no place in the direction of imports."""
    inside = [path for path in MODULES if path != "handler/__init__.py"]
    assert set(map(architecture.room_of, inside)) == set(architecture.ROOMS)


def test_no_module_is_too_long() -> None:
    lengths = {path: len(source.splitlines()) for path, source in MODULES.items()}
    assert {path: length for path, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_no_function_is_too_long() -> None:
    assert _broken(MODULES, lambda source, _: architecture.long_functions(source, LONGEST_FUNCTION)) == {}


def test_no_module_builds_anything_when_it_is_imported() -> None:
    """At module level stand imports, definitions and constants; the deployed entry alone asks for more."""
    values = frozenset[str]().union(*map(architecture.value_types, MODULES.values()))
    built = _broken(MODULES, lambda source, _: architecture.built_at_import(source, values))
    assert {path: [text.partition(": ")[2] for text in texts] for path, texts in built.items()} == EARLY


def test_importing_the_entry_points_loads_no_cloud_sdk_no_store_client_and_no_event_handler() -> None:
    """A cold start pays only for what its settings ask for."""
    code = f"import sys, handler.main; print(*sorted(set(sys.modules) & set({HEAVY})))"
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout, process.stderr) == (0, "\n", "")


def test_the_top_level_holds_only_what_belongs_there() -> None:
    """The first look at the repository shows its parts and nothing else, dotfiles aside."""
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert names - {"__pycache__"} <= TOP_LEVEL


@pytest.mark.parametrize("name", ["layers/requirements", *(f"{of}/requirements" for of in OF_THE_TESTS)])
def test_requirement_files_name_no_index_and_no_address(name: str) -> None:
    texts = [(ROOT / name).with_suffix(suffix).read_text("utf-8") for suffix in (".in", ".txt")]
    allowed = {"-r ../layers/requirements.in", "-c ../layers/requirements.txt"}
    assert [line for text in texts for line in architecture.foreign_addresses(text) if line not in allowed] == []


@pytest.mark.parametrize("name", ["layers/requirements.txt", "tests/requirements.txt", "tests/tools/requirements.txt"])
def test_every_requirement_is_an_exact_version_with_a_hash(name: str) -> None:
    """What is installed tomorrow is what was tested today."""
    pins = architecture.pins((ROOT / name).read_text("utf-8"))
    assert pins
    assert [pin for pin, exact in pins.items() if not exact] == []


def test_the_tests_run_on_the_very_versions_that_are_deployed() -> None:
    """Every pin of the layers is also a pin of the tests."""
    deployed, tested = (
        architecture.pins((ROOT / name / "requirements.txt").read_text("utf-8")) for name in ("layers", "tests")
    )
    assert deployed.keys() <= tested.keys()


def _broken(modules: dict[str, str], rule: Callable[[str, str], list[str]]) -> dict[str, list[str]]:
    """What `rule` finds in each module that breaks it."""
    found = {path: rule(source, path) for path, source in modules.items()}
    return {path: names for path, names in found.items() if names}
