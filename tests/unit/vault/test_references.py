"""References lead to the text of a secret, and their errors show neither that text nor a secret put in their place."""

import os
from pathlib import Path

import pytest

from handler.core.errors import SecretUnavailable, SettingsError
from handler.vault.references import SECRET_BYTES, SUPPORTED, env_source, file_source, is_reference, source_for

CONTENT = '{"key": "nobody-may-see-this"}'


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "chat.json"
    file.write_bytes(b"\xef\xbb\xbf" + CONTENT.encode() + b"\n")
    assert source_for(f"file:{file}", {})() == CONTENT


def test_a_relative_path_starts_where_the_process_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chat.json").write_text(CONTENT)
    monkeypatch.chdir(tmp_path)
    assert source_for("file:chat.json", {})() == CONTENT


def test_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    """A rotated secret has to be seen."""
    file = tmp_path / "chat.json"
    file.write_text("old")
    read = file_source(str(file))
    assert read() == "old"
    file.write_text("new")
    assert read() == "new"


def test_what_is_no_file_of_text_is_refused_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"secret\xff")
    (tmp_path / "long").write_bytes(b"x" * (SECRET_BYTES + 1))
    os.mkfifo(tmp_path / "pipe")
    problems = {
        "none": "cannot be read: No such file or dir",
        "": "is no regular file$",
        "pipe": "is no regular file$",
        "binary": "is not UTF-8$",
        "long": "is longer than 65536 bytes$",
    }
    for name, problem in problems.items():
        with pytest.raises(SecretUnavailable, match=f"^the secret's file {tmp_path / name} {problem}"):
            file_source(str(tmp_path / name))()


def test_a_path_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither `~` nor a variable in it is replaced."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "chat.json").write_text(CONTENT)
    with pytest.raises(SecretUnavailable, match=r"~/chat.json cannot be read"):
        source_for("file:~/chat.json", {})()


def test_a_variable_is_read() -> None:
    assert source_for("env:CHAT_JSON", {"CHAT_JSON": f" {CONTENT}\n"})() == CONTENT


@pytest.mark.parametrize("environ", [{}, {"CHAT_JSON": ""}, {"CHAT_JSON": " \n"}])
def test_a_variable_that_is_not_set_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(SecretUnavailable, match=r"^the secret's environment variable CHAT_JSON is not set$"):
        env_source(environ, "CHAT_JSON")()


@pytest.mark.parametrize(
    "reference",
    ["", "file", "file:", "env:", "env:A B", "env:1", f"env:{CONTENT}", "file:a\0b", CONTENT, "vault:x", "FILE:x"],
)
def test_what_is_no_reference_is_refused_without_being_shown(reference: str) -> None:
    """Somebody may have put the secret itself there."""
    with pytest.raises(SettingsError) as refusal:
        source_for(reference, {})
    assert str(refusal.value) == f"CHAT_SECRET: is no reference to a secret: {SUPPORTED} are"


@pytest.mark.parametrize(
    ("text", "so"), [("file:/etc/url", True), ("tencent:url", True), ("redis://host", False), ("file", False)]
)
def test_a_reference_is_told_from_an_address(text: str, so: bool) -> None:
    assert is_reference(text) is so


def test_another_variable_may_hold_a_reference() -> None:
    """The ledger's address may hold a password."""
    assert source_for("env:URL", {"URL": "redis://:password@host"}, "LEDGER_URL")() == "redis://:password@host"
    with pytest.raises(SettingsError, match=r"^LEDGER_URL: is no reference"):
        source_for("redis://host", {}, "LEDGER_URL")
