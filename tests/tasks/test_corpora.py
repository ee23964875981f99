"""Claims about where texts come from, and which uploads are refused."""

from __future__ import annotations

import ast
import dataclasses
import functools
import hashlib
import http.server
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnncore.errors import CorpusError
from rnncore.tasks import corpora
from rnncore.tasks.corpora import CORPORA, MAX_UPLOAD_BYTES, MIN_CHARACTERS, decode_upload, load

PLAY = ("Enter a ghost.\r\n" * 200).encode()
PROSE = "It was a dark and stormy night. " * 100


@dataclasses.dataclass
class Library:
    """A server of small files on this machine, and what it was asked for."""

    folder: Path
    url: str
    asked: list[str]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    folder, asked = tmp_path / "served", []
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("RNNCORE_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield Library(folder, f"http://127.0.0.1:{server.server_port}/", asked)
        server.shutdown()
        thread.join()


def publish(library: Library, monkeypatch: pytest.MonkeyPatch, data: bytes, served: bytes | None = None) -> None:
    """Register ``data`` by its digest as tiny-shakespeare; serve it, or something else."""
    (library.folder / "play.txt").write_bytes(data if served is None else served)
    digest = hashlib.sha256(data).hexdigest()
    entry = dataclasses.replace(CORPORA["tiny-shakespeare"], path="play.txt", sha256=digest)
    monkeypatch.setitem(CORPORA, "tiny-shakespeare", entry)


def test_a_well_known_text_is_fetched_once_and_read_from_the_cache_afterwards(library, monkeypatch):
    publish(library, monkeypatch, PLAY)
    first = load("tiny-shakespeare", base_url=library.url)
    (library.folder / "play.txt").unlink()
    second = load("tiny-shakespeare", base_url=library.url)
    assert first == second
    assert first.text == "Enter a ghost.\n" * 200
    assert first.sha256 == hashlib.sha256(first.text.encode()).hexdigest()
    assert library.asked == ["/play.txt"]


def test_a_text_with_another_digest_is_refused_and_not_kept(library, monkeypatch, tmp_path):
    publish(library, monkeypatch, PLAY, served=PLAY + b"x")
    with pytest.raises(CorpusError, match=r"does not have the expected SHA-256 .*; it was changed or damaged"):
        load("tiny-shakespeare", base_url=library.url)
    assert not list((tmp_path / "cache" / "corpora").glob("*.txt"))


def test_a_damaged_file_in_the_cache_is_fetched_anew(library, monkeypatch, tmp_path):
    publish(library, monkeypatch, PLAY)
    whole = load("tiny-shakespeare", base_url=library.url)
    (tmp_path / "cache" / "corpora" / "tiny-shakespeare.txt").write_bytes(PLAY[:100])
    assert load("tiny-shakespeare", base_url=library.url) == whole
    assert len(library.asked) == 2


def test_a_byte_order_mark_is_not_part_of_a_fetched_text(library, monkeypatch):
    publish(library, monkeypatch, b"\xef\xbb\xbf" + PLAY)
    assert load("tiny-shakespeare", base_url=library.url).text.startswith("Enter")


def test_an_address_that_has_nothing_is_named_with_the_remedy(library, monkeypatch):
    publish(library, monkeypatch, PLAY)
    (library.folder / "play.txt").unlink()
    with pytest.raises(CorpusError, match=r"http://127.0.0.1:\d+/play.txt .*HTTPError.*upload it"):
        load("tiny-shakespeare", base_url=library.url)


def test_a_server_that_does_not_answer_is_a_sentence(library, monkeypatch):
    publish(library, monkeypatch, PLAY)
    with pytest.raises(CorpusError, match=r"cannot be fetched from http://127\.0\.0\.1:1/play\.txt"):
        load("tiny-shakespeare", base_url="http://127.0.0.1:1/")


def test_a_cache_that_cannot_be_written_is_a_sentence(library, monkeypatch, tmp_path):
    publish(library, monkeypatch, PLAY)
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("RNNCORE_CACHE", str(tmp_path / "file"))
    with pytest.raises(CorpusError, match="cannot be fetched"):
        load("tiny-shakespeare", base_url=library.url)


def test_the_registry_says_which_texts_need_a_download():
    assert [name for name, entry in CORPORA.items() if not entry.needs_download] == [
        "python-stdlib",
        "python-reference",
    ]
    for entry in CORPORA.values():
        assert entry.title
        assert entry.description
        assert entry.source
        assert not entry.needs_download or len(entry.sha256) == 64


def test_the_standard_library_is_the_same_text_each_time_and_begins_as_python():
    first = load("python-stdlib")
    corpora._standard_library.cache_clear()
    assert load("python-stdlib") == first
    assert MIN_CHARACTERS < len(first.text) <= corpora.STDLIB_CHARACTERS
    assert first.language == "python"
    opening = (Path(sysconfig.get_path("stdlib")) / "__future__.py").read_text("utf-8")
    assert opening in first.text
    ast.parse(opening)


def test_the_standard_library_has_nothing_of_this_machine():
    assert "build_time_vars" not in load("python-stdlib").text


def test_an_installation_without_source_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    corpora._standard_library.cache_clear()
    with pytest.raises(CorpusError, match=r"needs the standard library's source, got none in .*; choose"):
        load("python-stdlib")
    corpora._standard_library.cache_clear()


def test_an_installation_without_the_reference_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    corpora._language_reference.cache_clear()
    with pytest.raises(CorpusError, match="needs the module pydoc_data"):
        load("python-reference")
    corpora._language_reference.cache_clear()


def test_the_language_reference_explains_assert():
    assert '"assert"' in load("python-reference").text


def test_an_unknown_corpus_is_refused_with_the_names_that_there_are():
    with pytest.raises(CorpusError, match=r"python-stdlib.*got 'hamlet'"):
        load("hamlet")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "got an empty file"),
        (b" \n" * 5000, "got 10,000 blanks and line breaks"),
        (b"too short", "at least 1,000 characters, got 9"),
        (b"\x89PNG\x00" * 500, "binary data .*zero byte at position 4"),
        (b"plain text " * 50_000 + b"\x00", "zero byte at position 550,000"),
        (b"\x01\x02\x03\x7f" * 500, "got 100% control characters"),
        (b"caf\xe9 " * 500, r"byte 0xe9 at position 3 .*iconv -f latin1 -t utf-8"),
        (b"\xef\xbb\xbfcaf\xe9 " * 500, "byte 0xe9 at position 6"),
        ("text ".encode("utf-16") * 500, "got UTF-16 .*iconv -f utf-16 -t utf-8"),
        (b"a" * (MAX_UPLOAD_BYTES + 1), r"at most 20 MB, got 20\.0 MB"),
        (b"a" * 5000, "two distinct characters, got only 'a'"),
        ("".join(map(chr, range(0x4E00, 0x4E00 + 2001))).encode(), "at most 2,000 distinct characters, got 2,001"),
    ],
)
def test_an_upload_that_cannot_be_learned_from_is_refused_in_a_sentence(data, sentence):
    with pytest.raises(CorpusError, match=sentence):
        decode_upload(data, "file.txt")


def test_an_upload_of_utf8_is_taken_with_its_newlines_made_one():
    corpus = decode_upload(b"\xef\xbb\xbf" + (PROSE + "\r\nÆther\r…\n").encode(), "some/folder/night.tex")
    assert corpus.text == PROSE + "\nÆther\n…\n"
    assert (corpus.name, corpus.title, corpus.language) == ("night.tex", "night", "latex")


def test_the_largest_and_the_most_varied_uploads_are_taken():
    assert len(decode_upload(b"ab" * (MAX_UPLOAD_BYTES // 2), "a").text) == MAX_UPLOAD_BYTES
    assert decode_upload("".join(map(chr, range(0x4E00, 0x4E00 + 2000))).encode(), "a").text


def test_html_and_scripts_are_text_like_any_other():
    page = "<script>alert('&amp;')</script>\n" * 100
    assert decode_upload(page.encode(), "<b>.html").text == page


@pytest.mark.parametrize("name", ["", "/", "..\\x\n\x00.txt", "x" * 500])
def test_any_file_name_gives_a_printable_one(name):
    corpus = decode_upload(PROSE.encode(), name)
    assert corpus.name.isprintable()
    assert 0 < len(corpus.name) <= 80


def test_tasks_without_training_do_not_import_torch():
    code = "import sys, rnncore.tasks.baselines, rnncore.tasks.corpora; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
