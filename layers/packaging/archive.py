"""Zips that depend on names and contents alone: the same files give the same bytes at any time and on any machine."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

LEVEL: Final = 9
MOMENT: Final = (1980, 1, 1, 0, 0, 0)
"""The oldest time that the format can hold."""

READABLE: Final = 0o100644
"""A plain file that every user may read: the function does not run as its owner."""


def pack(folder: Path, archive: Path) -> None:
    """Zip every file below `folder`, in the order of the names."""
    draft = archive.with_suffix(".draft")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as zipped:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, so that the permissions are read.
            entry.external_attr = READABLE << 16
            zipped.writestr(entry, path.read_bytes(), compresslevel=LEVEL)
    draft.replace(archive)


def unpack(archive: Path, folder: Path) -> None:
    """Put the files of a zip into `folder`, as a cloud does."""
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(folder)
