"""The index of a text and its levels in the disk cache: built once per corpus, and again where they are damaged."""

from __future__ import annotations

from pathlib import Path

from safetensors.numpy import load, save

from rnncore.generation.quality.copying import Ids
from rnncore.generation.quality.index import TextIndex
from rnncore.generation.quality.levels import levels
from rnncore.records import QualityLevels
from rnncore.tasks.baselines import MOST_CHARACTERS, split_for_counting
from rnncore.tasks.disk import cache_file, digest_of, read_sealed, seal, write
from rnncore.tasks.text import Vocabulary

_VERSION = 2  # of what is kept: raise it when a number changes


def build(text: str, validation_fraction: float) -> QualityLevels:
    """Index a text and measure its levels, unless the cache has both; returns the levels.

    Args:
        text: the corpus, split as ``TextTask`` splits it.
        validation_fraction: the last part of the text, held out.

    Raises:
        CorpusError: the text is too short to be split.
    """
    digest = digest_of(text)
    known = find_levels(digest, validation_fraction) if is_kept(digest, validation_fraction) else None
    if known is not None:
        return known
    vocabulary = Vocabulary(text)
    train, validation = split_for_counting(vocabulary.encode(text), validation_fraction)
    index = TextIndex.build(vocabulary, train)
    record = levels(index, validation, len(train))
    write(_file(digest, validation_fraction, ".index"), seal(save(index.to_arrays())))
    write(_file(digest, validation_fraction, ".levels"), seal(record.to_bytes()))
    return record


def is_kept(digest: str, validation_fraction: float) -> bool:
    """Whether the cache has, undamaged, what was made from the text of a digest."""
    files = (_file(digest, validation_fraction, suffix) for suffix in (".levels", ".index"))
    return all(read_sealed(file) is not None for file in files)


def find_levels(digest: str, validation_fraction: float) -> QualityLevels | None:
    """The levels of the text of a digest (see ``disk.digest_of``), where they are known."""
    data = read_sealed(_file(digest, validation_fraction, ".levels"))
    return None if data is None else QualityLevels.from_bytes(data)


def find_index(digest: str, validation_fraction: float, vocabulary: Vocabulary, train: Ids) -> TextIndex | None:
    """The index of the text of a digest, where it is built.

    Args:
        digest: of the text.
        validation_fraction: as it was built with.
        vocabulary: of the text.
        train: its training part, int64 (N,).
    """
    data = read_sealed(_file(digest, validation_fraction, ".index"))
    return None if data is None else TextIndex.from_arrays(vocabulary, train, load(data))


def _file(digest: str, validation_fraction: float, suffix: str) -> Path:
    return cache_file("quality", suffix, digest, validation_fraction, MOST_CHARACTERS, _VERSION)
