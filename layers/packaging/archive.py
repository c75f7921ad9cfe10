"""Zips that are the same, byte for byte, whenever and wherever they are made of the same files."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

LEVEL: Final = 9
MOMENT: Final = (1980, 1, 1, 0, 0, 0)
"""The oldest that the format knows."""

READABLE: Final = 0o100644
"""A plain file that everybody may read: the function does not run as the owner."""


def pack(folder: Path, archive: Path) -> None:
    """Zip every file below `folder`, in the order of the names."""
    _write(folder, archive, zipfile.ZIP_DEFLATED)


def store(folder: Path, archive: Path) -> None:
    """The same without compression, for an archive in an archive: whoever compresses that one sees the whole."""
    _write(folder, archive, zipfile.ZIP_STORED)


def _write(folder: Path, archive: Path, method: int) -> None:
    draft = archive.with_suffix(".draft")
    with zipfile.ZipFile(draft, "w", method, compresslevel=LEVEL) as zipped:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), MOMENT)
            entry.compress_type = method
            entry.create_system = 3  # Unix, so that the permissions are read.
            entry.external_attr = READABLE << 16
            zipped.writestr(entry, path.read_bytes(), compresslevel=LEVEL)
    draft.replace(archive)


def unpack(archive: Path, folder: Path) -> None:
    """Put the files of a zip into `folder`, as a cloud does."""
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(folder)
