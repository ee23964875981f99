"""Claims about files that are written whole or not at all."""

from __future__ import annotations

from rnncore.tasks.disk import cache_file, digest_of, read_sealed, seal, write


def test_what_was_sealed_is_read_back_and_nothing_else_is(tmp_path):
    path = tmp_path / "folder" / "file.bin"
    assert read_sealed(path) is None
    write(path, seal(b"some bytes"))
    assert read_sealed(path) == b"some bytes"
    write(path, b"some bytes")
    assert read_sealed(path) is None
    write(path, seal(b""))
    assert read_sealed(path) == b""
    assert [one.name for one in path.parent.iterdir()] == ["file.bin"]  # nothing half-written is left


def test_a_disk_that_takes_nothing_is_no_error(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    write(tmp_path / "file" / "below", b"data")
    assert read_sealed(tmp_path / "file" / "below") is None


def test_other_parts_have_other_files(monkeypatch, tmp_path):
    monkeypatch.setenv("RNNCORE_CACHE", str(tmp_path))
    paths = {cache_file(*one) for one in (("a", ".x", 1, 2), ("a", ".x", 1, 3), ("b", ".x", 1, 2), ("a", ".y", 1, 2))}
    assert len(paths) == 4
    assert cache_file("a", ".x", 1, 2) in paths
    assert len({digest_of("a"), digest_of("b"), digest_of("\ud800")}) == 3
