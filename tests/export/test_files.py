"""Claims about where exports go: whole or not at all, and never over something without being told."""

import zipfile
from io import BytesIO

import pytest

from rnncore.errors import ExportError
from rnncore.export import FORMS, deliver, named, zipped


def two(folder):
    (folder / "in").mkdir()
    (folder / "in" / "a.txt").write_text("a")
    (folder / "b.txt").write_text("b")


def broken(folder):
    two(folder)
    raise OSError(28, "No space left on device")


def test_the_same_files_go_into_a_folder_a_zip_file_and_the_memory(tmp_path):
    deliver(two, tmp_path / "new" / "run.v2")
    deliver(two, tmp_path / "packed.zip")
    assert (tmp_path / "new" / "run.v2" / "in" / "a.txt").read_text() == "a"
    for source in (tmp_path / "packed.zip", BytesIO(zipped(two))):
        with zipfile.ZipFile(source) as packed:
            assert packed.testzip() is None
            assert {name: packed.read(name) for name in packed.namelist()} == {"in/a.txt": b"a", "b.txt": b"b"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "packed.zip"]


def test_what_is_there_is_overwritten_only_when_told(tmp_path):
    for target in (tmp_path / "folder", tmp_path / "one.zip"):
        deliver(two, target)
        with pytest.raises(ExportError, match="is there already"):
            deliver(two, target)
        deliver(two, target, overwrite=True)
    named(b"1", tmp_path / "file")
    with pytest.raises(ExportError, match="is there already"):
        named(b"2", tmp_path / "file")
    named(b"2", tmp_path / "file", overwrite=True)
    assert (tmp_path / "file").read_bytes() == b"2"
    with pytest.raises(ExportError, match="must be a folder"):
        deliver(two, tmp_path / "file", overwrite=True)
    with pytest.raises(ExportError, match="must be a file"):
        named(b"", tmp_path / "folder", overwrite=True)


def test_what_breaks_off_leaves_nothing_behind_and_says_why(tmp_path):
    for target in (tmp_path / "folder", tmp_path / "one.zip"):
        with pytest.raises(ExportError, match="No space left on device; choose another place"):
            deliver(broken, target)
    with pytest.raises(ExportError, match="No space left"):
        zipped(broken)
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="cannot be written"):
        named(b"", tmp_path / "file" / "below")
    with pytest.raises(ExportError, match="cannot be written"):
        deliver(two, tmp_path / "file" / "below")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_every_form_says_what_it_is():
    assert set(FORMS) == {"csv", "parquet", "tensorboard", "weights", "json"}
    assert all(form.about for form in FORMS.values())
