"""The pins and wheels of a layer are those of its target, not of the machine that builds it."""

import pytest

from layers.packaging.install import PINS, pins_for
from layers.packaging.targets import AWS, SCF, Target

PINNED = """\
always==1 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
old-pythons==2 ; python_full_version < '3.11.3' \\
    --hash=sha256:cc
elsewhere==3 ; sys_platform == 'win32' or platform_machine == 'aarch64' \\
    --hash=sha256:dd
# a remark
"""


@pytest.mark.parametrize(("target", "names"), [(AWS, {"always", "elsewhere"}), (SCF, {"always", "old-pythons"})])
def test_markers_are_read_for_the_target_and_not_for_this_machine(target: Target, names: set[str]) -> None:
    """A package that only older Pythons need goes to them alone, and each machine has its own."""
    assert {line.split("==")[0] for line in pins_for(target, PINNED).splitlines()} == names


def test_the_hashes_of_a_pin_are_kept() -> None:
    assert pins_for(SCF, PINNED).splitlines()[0] == "always==1 --hash=sha256:aa --hash=sha256:bb"


def test_no_marker_is_left_for_pip_to_read() -> None:
    """Pip reads markers for the Python that it runs in."""
    assert ";" not in pins_for(SCF, PINS.read_text("utf-8"))
