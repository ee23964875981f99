"""How good the text is that a model writes, and what there is to hold it against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class SampleQuality(Record):
    """Measures of one batch of samples, K of them by name; see ``rnncore.generation.quality``.

    Attributes:
        names: of the measures.
        values: (K,), each the mean over the samples that it is defined for; nan where it is for none.
        spread: (K,), standard deviation over those samples; nan for a measure of all of them together.
        defined: (K,), how many samples it is defined for.
        samples: how many there are, all after the same primer.
        length: characters of each.
        temperature: they were drawn with.
        copied: the span with most letters and digits that any of them shares with the training text that was counted.
        copied_at: where it begins there, in characters from the start of the text; -1 where nothing is shared.
        copied_line: the line that it begins in, counted from 1.
        copied_before: the training text before it.
        copied_after: the training text behind it.
    """

    kind: ClassVar[str] = "sample_quality"

    names: tuple[str, ...]
    values: Array
    spread: Array
    defined: Array
    samples: int
    length: int
    temperature: float
    copied: str
    copied_at: int
    copied_line: int
    copied_before: str
    copied_after: str

    def value(self, name: str) -> float:
        """One measure; nan where it was not taken."""
        return float(self.values[self.names.index(name)]) if name in self.names else float("nan")

    def frame(self) -> pd.DataFrame:
        """One row per measure."""
        import pandas as pd

        columns = {"value": self.values, "spread": self.spread, "samples": self.defined}
        return pd.DataFrame({"step": self.step, "measure": list(self.names), **columns})


@dataclass(frozen=True, kw_only=True)
class QualityLevels(Record):
    """The same measures on held-out text and on two baselines: what the samples of a run are held against.

    All are cut into samples of the same length and taken in batches of the same size.

    Attributes:
        names: of the measures that make sense for this text, K.
        text: (K,), on pieces of the validation text.
        ngram: (K,), on texts drawn from the n-gram model of the training text.
        uniform: (K,), on characters drawn evenly.
        order: of the n-gram model.
        samples: in a batch.
        length: characters of each.
        pieces: of the validation text that were measured.
        counted: characters of the training text that were counted and searched, from its beginning.
        training: characters of the whole training text.
    """

    kind: ClassVar[str] = "quality_levels"

    names: tuple[str, ...]
    text: Array
    ngram: Array
    uniform: Array
    order: int
    samples: int
    length: int
    pieces: int
    counted: int
    training: int

    def frame(self) -> pd.DataFrame:
        """One row per measure."""
        import pandas as pd

        levels = {"held_out_text": self.text, f"{self.order}-gram": self.ngram, "uniform": self.uniform}
        return pd.DataFrame({"measure": list(self.names), **levels})
