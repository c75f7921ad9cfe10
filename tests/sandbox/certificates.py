"""Certificates for a server on 127.0.0.1, made by OpenSSL when a test wants them and good for one day."""

import subprocess
from pathlib import Path


def make(folder: Path) -> Path:
    """Write `authority.pem`, `server.pem` and `server.key` into `folder`, which is made. The folder."""
    folder.mkdir()
    _openssl(folder, "req", "-x509", "-subj", "/CN=authority", *_new_key("authority"), "-out", "authority.pem")
    _openssl(folder, "req", "-subj", "/CN=server", *_new_key("server"), "-out", "server.csr")
    (folder / "names").write_text("subjectAltName = IP:127.0.0.1\n", "utf-8")
    signer = ("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-extfile", "names")
    _openssl(folder, "x509", "-req", "-days", "1", "-in", "server.csr", *signer, "-out", "server.pem")
    return folder


def _new_key(name: str) -> tuple[str, ...]:
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    return (*curve, "-nodes", "-keyout", f"{name}.key")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
