"""Zips depend on the names and contents of their files alone, and hold them whole."""

import os
import zipfile
from pathlib import Path

from layers.packaging import archive


def test_a_zip_depends_on_names_and_contents_alone(tmp_path: Path) -> None:
    zips = []
    for name, order, mode in (("first", (0, 1, 2), 0o600), ("second", (2, 0, 1), 0o755)):
        folder = tmp_path / name
        (folder / "inner").mkdir(parents=True)
        files = [folder / "b.py", folder / "inner" / "c.py", folder / "a.py"]
        for index in order:
            files[index].write_text(files[index].name)
            files[index].chmod(mode)
            os.utime(files[index], (index * 10**6 + mode, index * 10**6 + mode))
        archive.pack(folder, tmp_path / f"{name}.zip")
        zips.append((tmp_path / f"{name}.zip").read_bytes())
    assert zips[0] == zips[1]
    with zipfile.ZipFile(tmp_path / "first.zip") as zipped:
        assert zipped.namelist() == ["a.py", "b.py", "inner/c.py"]
        assert {entry.external_attr >> 16 for entry in zipped.infolist()} == {0o100644}
