"""The layer holds exactly what the function imports, and what that needs in turn."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from layers.packaging.install import PINS, pins_for
from layers.packaging.targets import TARGETS, Target
from tests.architecture import imports

ROOT = Path(__file__).resolve().parents[4]
MODULES = sorted((ROOT / "handler").rglob("*.py"))

OF_THE_RUNTIME = {"boto3", "botocore"}
"""AWS's own runtime has them, and nothing that SCF runs imports them."""


def imported() -> set[str]:
    """The distributions that the handler's modules import, wherever they do it."""
    owners = packages_distributions()
    paths = [name.split(".") for path in MODULES for name in imports(path.read_text("utf-8"), _package(path))]
    parts = {f"tencentcloud-sdk-python-{inner[0]}" for name, *inner in paths if name == "tencentcloud"}
    # What only the type checker imports, such as `_typeshed`, is in no distribution.
    whole = {owners[name][0] for name, *_ in paths if name in owners and name != "tencentcloud"}
    return {str(canonicalize_name(name)) for name in parts | whole} - OF_THE_RUNTIME


def needed(names: set[str], markers: Mapping[str, str]) -> set[str]:
    """These distributions and all that they need where the markers hold, without extras."""
    found: set[str] = set()
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        if name in found:
            continue
        found.add(name)
        holds = {**markers, "extra": ""}
        needs = [each for each in _requirements(name) if each.marker is None or each.marker.evaluate(holds)]
        ahead += [canonicalize_name(each.name) for each in needs]
    return found


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_the_layer_holds_what_the_function_imports_and_nothing_else(target: Target) -> None:
    """Each pinned package is imported, or needed by one that is; each that is imported is pinned."""
    held = {line.split("==")[0] for line in pins_for(target, PINS.read_text("utf-8")).splitlines()}
    least = needed(imported(), target.markers)
    assert {name for name in least if name not in held} == set()
    assert held <= needed(imported(), target.markers)


def _requirements(name: str) -> list[Requirement]:
    try:
        return [Requirement(text) for text in requires(name) or ()]
    except PackageNotFoundError:
        # Only another Python needs it; none of those needs anything itself.
        return []


def _package(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).parts[:-1])
