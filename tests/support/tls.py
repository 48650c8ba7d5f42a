"""A certificate that nobody else has signed, as an operator makes one for a database of their own."""

from __future__ import annotations

import subprocess
from pathlib import Path


def self_signed(folder: Path, host: str) -> tuple[Path, Path]:
    """The certificate for a host, and its key."""
    certificate, key = folder / f"{host}.crt", folder / f"{host}.key"
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    words += ["-keyout", str(key), "-out", str(certificate), "-subj", f"/CN={host}"]
    words += ["-addext", f"subjectAltName=DNS:{host},IP:127.0.0.1"]
    subprocess.run(words, check=True, capture_output=True)
    return certificate, key
