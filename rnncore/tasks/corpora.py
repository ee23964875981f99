"""Texts to learn: two that come with every Python, the well-known ones fetched once, and any UTF-8 upload."""

from __future__ import annotations

import hashlib
import os
import sys
import sysconfig
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from rnncore.errors import CorpusError

Language = Literal["python", "latex", "prose", "unknown"]

STDLIB_CHARACTERS = 2_000_000
MAX_UPLOAD_BYTES = 20_000_000
MIN_CHARACTERS = 1_000
MAX_DISTINCT = 2_000
_CONTROL_SHARE = 0.05
_CONTROL = [code for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n\f"]
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Corpus:
    """A text with its origin.

    Attributes:
        name: its key in ``CORPORA``, or the name of the uploaded file.
        title: for a reader.
        text: all of it, lines ended by a single newline character.
        language: which balance of brackets, quotes or environments makes sense in it.
        source: where it comes from, and its licence.
    """

    name: str
    title: str
    text: str
    language: Language
    source: str

    @property
    def sha256(self) -> str:
        """Hex digest of the text in UTF-8 (of a fetched text: after newlines are made one)."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """What is known of a corpus before it is loaded; ``path`` below ``base_url`` and the file's ``sha256`` for
    one that is fetched."""

    title: str
    description: str
    language: Language
    source: str
    path: str = ""
    sha256: str = ""

    @property
    def needs_download(self) -> bool:
        """Whether the text must be fetched (once)."""
        return bool(self.path)


GITHUB = "https://raw.githubusercontent.com/"

CORPORA: dict[str, Entry] = {
    "python-stdlib": Entry(
        "Python's standard library",
        "Two million characters of Python source, from this very installation",
        "python",
        "the installed standard library (PSF licence)",
    ),
    "python-reference": Entry(
        "Python language reference",
        "The topics of pydoc's help, as plain text",
        "prose",
        "pydoc_data.topics of this installation (PSF licence)",
    ),
    "tiny-shakespeare": Entry(
        "Tiny Shakespeare",
        "1.1 million characters of plays, the usual first text for character models",
        "prose",
        "public domain, as collected by A. Karpathy",
        "karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
        "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    ),
    "stacks-algebra": Entry(
        "Stacks project, algebra",
        "1.8 million characters of LaTeX mathematics",
        "latex",
        "The Stacks project authors (GFDL)",
        "stacks/stacks-project/4ac4815d5a00dc2eacab7824cf4e4baafe2773ac/algebra.tex",
        "fa8bb92e58a4f78a2bd01b3b6a4a87de0a0d279f5dd90641b574dd5fbfffa4f3",
    ),
    "war-and-peace": Entry(
        "War and Peace",
        "3.2 million characters of Tolstoy, in translation",
        "prose",
        "public domain",
        "MrHereward/machine_learning_sandbox/39611e746794ccd7f046d10546eaf436f86db6b4/warpeace_input.txt",
        "b0fc81c399971eaf738c8be89809e6a0d95c151749112b04f06b6af648d8a39f",
    ),
}


def cache_folder() -> Path:
    """Where fetched texts and n-gram results are kept; ``RNNCORE_CACHE`` overrides it."""
    import platformdirs

    return Path(os.environ.get("RNNCORE_CACHE") or platformdirs.user_cache_dir("rnncore"))


def load(name: str, *, base_url: str = GITHUB) -> Corpus:
    """A corpus by its name in ``CORPORA``.

    Args:
        name: one of ``CORPORA``.
        base_url: where a fetched text lies; its digest decides whether it is the right one.

    Raises:
        CorpusError: no such name, no source on this installation, or the text cannot be fetched.
    """
    entry = CORPORA.get(name)
    if entry is None:
        raise CorpusError(
            f"corpus must be one of {', '.join(CORPORA)}, got {name!r}; choose one of these, or upload a text"
        )
    if name == "python-stdlib":
        text = _standard_library()
    elif name == "python-reference":
        text = _language_reference()
    else:
        data = _fetch(name, entry, base_url)
        return Corpus(name, entry.title, _newlines(data.decode("utf-8-sig")), entry.language, entry.source)
    return Corpus(name, entry.title, text, entry.language, entry.source)


@lru_cache(maxsize=1)
def _standard_library() -> str:
    """Top-level modules in alphabetical order, as many as fit: the same on each machine with this Python."""
    folder = Path(sysconfig.get_path("stdlib"))
    parts, size = [], 0
    for path in sorted(folder.glob("*.py"), key=lambda path: path.name):
        if path.stem not in sys.stdlib_module_names:  # the machine's own, such as _sysconfigdata
            continue
        try:
            text = _newlines(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError):  # a module in another encoding, or not readable: not this one
            continue
        parts.append(text[: STDLIB_CHARACTERS - size])
        size += len(parts[-1])
        if size >= STDLIB_CHARACTERS:
            break
    if size < MIN_CHARACTERS:
        raise CorpusError(
            f"corpus 'python-stdlib' needs the standard library's source, got none in {folder}; choose "
            "python-reference, or upload a text"
        )
    return "".join(parts)


@lru_cache(maxsize=1)
def _language_reference() -> str:
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise CorpusError(
            "corpus 'python-reference' needs the module pydoc_data, which this Python lacks; choose "
            "python-stdlib, or upload a text"
        ) from None
    return "\n".join(_newlines(topics[name]) for name in sorted(topics))


def _fetch(name: str, entry: Entry, base_url: str) -> bytes:
    import logging

    import pooch
    import requests

    pooch.get_logger().setLevel(logging.ERROR)
    url = base_url + entry.path
    folder = cache_folder() / "corpora"
    try:
        path = pooch.retrieve(url, f"sha256:{entry.sha256}", fname=f"{name}.txt", path=folder)
        return Path(path).read_bytes()
    except (requests.RequestException, OSError) as error:
        raise CorpusError(
            f"corpus {name!r} cannot be fetched from {url} into {folder} ({type(error).__name__}); check the "
            "network, or fetch the file elsewhere and upload it"
        ) from None
    except ValueError:
        raise CorpusError(
            f"corpus {name!r} from {url} does not have the expected SHA-256 {entry.sha256[:12]}...; it was "
            "changed or damaged on the way: try again, or upload a copy that you trust"
        ) from None


def decode_upload(data: bytes, name: str) -> Corpus:
    """A corpus from uploaded bytes: UTF-8, with or without a byte-order mark, any newlines.

    HTML, scripts and markup are text like any other.

    Args:
        data: the file's content.
        name: the file's name; its folder is dropped.

    Raises:
        CorpusError: too large, empty, too short, binary, not UTF-8, of one character, or of too many.
    """
    shown = _shown(name)
    if len(data) > MAX_UPLOAD_BYTES:
        raise CorpusError(
            f"the upload must be at most {MAX_UPLOAD_BYTES / 1e6:.0f} MB, got {len(data) / 1e6:.1f} MB ({shown}); "
            "upload a part of it"
        )
    if not data.strip():
        what = f"{len(data):,} blanks and line breaks" if data else "an empty file"
        raise CorpusError(f"the upload must hold text, got {what} ({shown}); choose another file")
    if data.startswith(_UTF16_MARKS):
        raise CorpusError(
            f"the upload must be UTF-8, got UTF-16 ({shown}); convert it, for example with iconv -f utf-16 -t utf-8"
        )
    if b"\x00" in data:
        raise CorpusError(
            f"the upload must be text, got binary data ({shown}: a zero byte at position {data.index(0):,}); "
            "export it as plain UTF-8 text"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = error.start + len(data) - len(error.object)  # the codec counts from behind the mark
        raise CorpusError(
            f"the upload must be UTF-8, got byte 0x{data[start]:02x} at position {start:,} ({shown}); "
            "convert it, for example with iconv -f latin1 -t utf-8"
        ) from None
    return check_text(_newlines(text), name)


def check_text(text: str, name: str) -> Corpus:
    """A corpus from a text, if it can be learned from.

    Raises:
        CorpusError: too short, mostly control characters, of one character, or of too many.
    """
    shown = _shown(name)
    if len(text) < MIN_CHARACTERS:
        raise CorpusError(
            f"the text must have at least {MIN_CHARACTERS:,} characters, got {len(text):,} ({shown}); upload more text"
        )
    control = sum(text.count(chr(code)) for code in _CONTROL)
    if control > _CONTROL_SHARE * len(text):
        raise CorpusError(
            f"the upload must be text, got {control / len(text):.0%} control characters ({shown}); export it as "
            "plain UTF-8 text"
        )
    distinct = len(set(text))
    if distinct < 2:
        raise CorpusError(
            f"the text must have at least two distinct characters, got only {text[0]!r} ({shown}); there is "
            "nothing to predict: upload another text"
        )
    if distinct > MAX_DISTINCT:
        raise CorpusError(
            f"the text must have at most {MAX_DISTINCT:,} distinct characters, got {distinct:,} ({shown}); upload "
            "a text in an alphabetic script"
        )
    return Corpus(shown, Path(shown).stem, text, _language(name), f"uploaded as {shown}")


def _shown(name: str) -> str:
    """A file's name without its folder, printable and not too long."""
    base = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    clean = "".join(character if character.isprintable() else "?" for character in base)
    return clean[-80:] or "upload"


def _language(name: str) -> Language:
    suffixes: dict[str, Language] = {".py": "python", ".tex": "latex", ".txt": "prose", ".md": "prose"}
    return suffixes.get(Path(name).suffix.lower(), "unknown")


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
