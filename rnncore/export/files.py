"""Where exported files go: a folder, or one zip file; whole, or with a sentence that says why not."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rnncore.errors import ExportError

Write = Callable[[Path], None]
"""Writes files into a folder that is there."""


def _refuse(target: Path, *, folder: bool, overwrite: bool) -> None:
    """Say no before anything is computed for the target."""
    if not target.exists():
        return
    if folder != target.is_dir():
        found, wanted = ("a file", "a folder") if folder else ("a folder", "a file")
        raise ExportError(f"output must be {wanted}, got {str(target)!r}, which is {found}; choose another name")
    if not overwrite and not (folder and not any(target.iterdir())):
        raise ExportError(f"output {str(target)!r} is there already; choose another name, or overwrite it")


def deliver(write: Write, target: Path, *, overwrite: bool = False) -> None:
    """Write files into a folder, or into a zip file where the target's name ends with .zip.

    They are made beside the target first, so that what breaks off leaves nothing half written.

    Raises:
        ExportError: the target is taken, or cannot be written.
    """
    packing = target.suffix == ".zip"
    with _in_words(target):
        _refuse(target, folder=not packing, overwrite=overwrite)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as made:
            content, packed = Path(made, "content"), Path(made, "packed")
            content.mkdir()
            write(content)
            if packing:
                with packed.open("wb") as file:
                    _pack(content, file)
                packed.replace(target)
            else:
                shutil.copytree(content, target, dirs_exist_ok=True)


def named(data: bytes, target: Path, *, overwrite: bool = False) -> None:
    """Write one file.

    Raises:
        ExportError: the target is taken, or cannot be written.
    """
    with _in_words(target):
        _refuse(target, folder=False, overwrite=overwrite)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        try:
            part.write_bytes(data)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def zipped(write: Write) -> bytes:
    """The files as a zip file in memory, for a download."""
    packed = io.BytesIO()
    with _in_words(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory(prefix="export-") as made:
        write(Path(made))
        _pack(Path(made), packed)
    return packed.getvalue()


def _pack(folder: Path, file: io.BufferedWriter | io.BytesIO) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packed.write(path, path.relative_to(folder))


@contextmanager
def _in_words(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ExportError(f"output {str(target)!r} cannot be written: {why}; choose another place") from None
