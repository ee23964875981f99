"""Results that a text costs only once: files in the cache folder, each written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from rnncore.tasks.corpora import cache_folder


def digest_of(text: str) -> str:
    """The SHA-256 of a text, hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def cache_file(folder: str, suffix: str, *parts: object) -> Path:
    """The file of what was made from certain parts: a text's digest, settings, a version."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode())
    return cache_folder() / folder / f"{digest.hexdigest()[:32]}{suffix}"


def write(path: Path, data: bytes) -> None:
    """At once or not at all; a full or read-only disk only costs the time to compute it again."""
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()


def seal(data: bytes) -> bytes:
    """The bytes behind their own SHA-256."""
    return hashlib.sha256(data).digest() + data


def read_sealed(path: Path) -> bytes | None:
    """What ``seal`` sealed; None where there is no such file, or one that was damaged since."""
    try:
        found = path.read_bytes()
    except OSError:
        return None
    data = found[32:]
    return data if hashlib.sha256(data).digest() == found[:32] else None
