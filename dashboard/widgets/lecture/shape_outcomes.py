"""What came out on the pages of the lecture's shapes of networks: an answer, and the numbers of the text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from dashboard import services
from dashboard.widgets.lecture.frame import Outcome
from rnncore.config import CELL_LABELS
from rnncore.records import Examples, Parameters, Sound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnncore.runs.store import RunInfo


EQUAL = 0.02
"""Shares of right answers that are nearer to each other show no difference."""
KEPT = 0.5
"""Correlation with the truth from which a chord counts as kept."""


def share(value: float) -> str:
    """A share as it stands in a text."""
    return "–" if math.isnan(value) else f"{100 * value:.0f}%"


def last_score(run: RunInfo | None) -> float:
    """The task's own measure at the end, on sequences that were never trained on."""
    if run is None:
        return math.nan
    scores = services.store().series(run.id, "score").get("score", np.empty(0))
    return float(scores[-1]) if len(scores) else math.nan


def last_loss(run: RunInfo | None) -> float:
    """The validation loss at the end, in the stored unit."""
    if run is None:
        return math.nan
    losses = services.store().series(run.id, "validation").get("loss", np.empty(0))
    return float(losses[-1]) if len(losses) else math.nan


def newest(run: RunInfo) -> Examples | None:
    """What it answered at the end."""
    return cast("Examples | None", services.store().record(run.id, Examples.kind))


def image(found: Sequence[RunInfo | None]) -> Outcome | None:
    """Digits that are right, and the gradient of the recurrent weights."""
    (run,) = found
    record = None if run is None else services.store().record(run.id, Parameters.kind)
    if not isinstance(record, Parameters):
        return None
    right, names = last_score(run), set(record.names)
    recurrent = [record.whole(name)[0] for name in names if "weight_hh" in name]
    read = [record.whole(name)[0] for name in names if "weight_ih" in name]
    ratio = max(recurrent, default=math.nan) / max(read, default=math.nan)
    answer = "" if math.isnan(ratio) else "zero" if ratio == 0 else "small" if ratio < 0.5 else "same"
    written = "it has none" if math.isnan(ratio) else f"exactly {ratio:g}" if ratio == 0 else f"{ratio:.2g} times"
    numbers = {"right": share(right), "ratio": written}
    return Outcome(answer, numbers, f"{share(right)} of unseen digits; gradient of the recurrent weights: {written}")


def captions(found: Sequence[RunInfo | None]) -> Outcome | None:
    """Captions without a mistake, with convolutions and without."""
    run, plain = found
    if run is None or math.isnan(last_score(run)):
        return None
    right, without = last_score(run), last_score(plain)
    beside = "" if plain is None else f" The same network without the convolutions: {share(without)}."
    numbers = {"right": share(right), "without": beside, "steps": f"{run.config.training.steps:,}"}
    answer = "few" if right < 0.25 else "half" if right < 0.75 else "most"
    return Outcome(answer, numbers, f"{share(right)} of captions without a mistake")


def motion(found: Sequence[RunInfo | None]) -> Outcome | None:
    """Kinds of motion that are right, and how soon."""
    (run,) = found
    record = None if run is None else newest(run)
    if record is None:
        return None
    known = known_from(record)
    right = last_score(run)
    middle = float(np.median(known)) if len(known) else math.nan
    numbers = {
        "right": share(right), "frames": "–" if math.isnan(middle) else f"{middle:g}",
        "steps": f"{len(record.targets)}", "count": f"{len(known)}", "shown": f"{len(record.scores)}",
    }  # fmt: skip
    answer = "" if math.isnan(middle) else "first" if middle <= 1 else "few" if middle <= 6 else "end"
    return Outcome(answer, numbers, f"{share(right)} right, and sure after {numbers['frames']} frames")


def known_from(record: Examples) -> NDArray[np.int64]:
    """After how many frames the right answer is more likely than all others together, and stays so, for each example
    that is answered rightly at the end."""
    found = []
    for n in range(len(record.scores)):
        last = int(np.nonzero(record.targets[:, n] >= 0)[0].max())
        sure = np.asarray(record.answers[: last + 1, n, record.targets[last, n]], float) > 0.5
        if sure[-1]:
            wrong = np.nonzero(~sure)[0]
            found.append(1 + int(wrong.max(initial=-1) + 1))
    return np.array(found, np.int64)


def sentiment(found: Sequence[RunInfo | None]) -> Outcome | None:
    """Phrases that are right."""
    (run,) = found
    if run is None:
        return None
    right = last_score(run)
    answer = "" if math.isnan(right) else "half" if right < 0.6 else "most" if right < 0.95 else "all"
    return Outcome(answer, {"right": share(right)}, f"{share(right)} of phrases it never read")


def frames(found: Sequence[RunInfo | None]) -> Outcome | None:
    """Frames that are right, with encoder and decoder, with either, and without; whether they differ, and in what."""
    both, encoder, decoder, none = (last_score(run) for run in found)
    if math.isnan(both) or math.isnan(none):
        return None
    gains = {"encoder": _gain((both, encoder), (decoder, none)), "decoder": _gain((both, decoder), (encoder, none))}
    best = max(gains, key=lambda name: gains[name])
    answer = "" if any(map(math.isnan, gains.values())) else "none" if gains[best] < EQUAL else best
    numbers = {"both": share(both), "encoder": share(encoder), "decoder": share(decoder), "without": share(none)}
    numbers |= {f"{name}_gain": "–" if math.isnan(gain) else f"{100 * gain:+.0f}" for name, gain in gains.items()}
    return Outcome(answer, numbers, f"{share(both)} of frames with encoder and decoder, {share(none)} without either")


def _gain(with_it: tuple[float, float], without: tuple[float, float]) -> float:
    """What a part is worth: the mean of both pairs that differ in it alone."""
    return sum(with_it) / 2 - sum(without) / 2


def video(found: Sequence[RunInfo | None]) -> Outcome | None:
    """Overlap of the next frame: with convolutions inside, flat, and of copying the last one."""
    run, flat = found
    conv, plain = last_score(run), last_score(flat)
    if run is None or math.isnan(conv) or math.isnan(plain):
        return None
    answer = "same" if abs(conv - plain) < 0.05 else "conv" if conv > plain else "flat"
    numbers = {
        "conv": f"{conv:.2f}", "flat": f"{plain:.2f}", "conv_count": _count(run), "flat_count": _count(flat),
        "copied": f"{copied(run):.2f}",
    }  # fmt: skip
    return Outcome(answer, numbers, f"overlap {conv:.2f} with convolutions inside, {plain:.2f} flat")


def copied(run: RunInfo) -> float:
    """Overlap with the next frame of the present one, on the films that are examined."""
    record = newest(run)
    return math.nan if record is None or not len(record.copied) else float(record.copied[0].mean())


def film(found: Sequence[RunInfo | None]) -> Outcome | None:
    """For how many frames a network that reads its own frames does better than the last one it was shown."""
    (run,) = found
    record = None if run is None else newest(run)
    if record is None or not len(record.overlap):
        return None
    own, last = record.overlap.mean(1), record.copied.mean(1)
    ahead = int(np.argmax(own <= last)) if (own <= last).any() else len(own)
    numbers = {
        "next": f"{own[0]:.2f}", "copied": f"{last[0]:.2f}", "ahead": f"{ahead}", "last": f"{own[-1]:.2f}",
        "measured": f"{len(own)}", "trained": f"{len(record.targets) - record.context}",
    }  # fmt: skip
    answer = "none" if ahead == 0 else "few" if ahead <= 8 else "many"
    return Outcome(answer, numbers, f"{own[0]:.2f} overlap one frame ahead, better than copying for {ahead} frames")


def sound(found: Sequence[RunInfo | None]) -> Outcome | None:
    """Which network keeps a chord going."""
    likes = [last_score(run) for run in found]
    if any(map(math.isnan, likes)):
        return None
    names = ("lru", "orthogonal", "lstm")
    records = [None if run is None else services.store().record(run.id, Sound.kind) for run in found]
    numbers = {name: f"{like:.2f}" for name, like in zip(names, likes, strict=True)}
    for name, record in zip(names, records, strict=True):
        numbers[f"{name}_kept"] = f"{record.kept:.0f}" if isinstance(record, Sound) else "–"
    trained = next((one.trained_milliseconds for one in records if isinstance(one, Sound)), math.nan)
    numbers["trained"] = "–" if math.isnan(trained) else f"{trained:.0f}"
    keeps = {name for name, like in zip(names, likes, strict=True) if like >= KEPT}
    answer = "none" if not keeps else "turning" if "lstm" not in keeps else {1: "gates", 3: "all"}.get(len(keeps), "")
    proof = ", ".join(f"{CELL_LABELS[name]} {numbers[name]}" for name in names)
    return Outcome(answer, numbers, f"a chord goes on, correlation with the truth: {proof}")


def _count(run: RunInfo | None) -> str:
    from rnncore.cost import estimate

    return "" if run is None else f"{estimate(run.config).parameters:,}"


def both(found: Sequence[RunInfo | None]) -> Outcome | None:
    """Losses of both ways and of one way."""
    both, one = found
    two_way, one_way = (last_loss(run) / math.log(2) for run in (both, one))
    if one is None or math.isnan(two_way) or math.isnan(one_way):
        return None
    floor = float(one.config.task.one_way_floor) / math.log(2)  # type: ignore[union-attr]
    answer = "zero" if one_way < 0.15 else "half" if one_way < (floor + 1) / 2 else "all"
    numbers = {"one": f"{one_way:.3f}", "both": f"{two_way:.4f}", "floor": f"{floor:.3f}"}
    return Outcome(answer, numbers, f"{one_way:.2f} bits one way, {two_way:.3f} both ways")


def sounds(found: Sequence[RunInfo | None]) -> Outcome | None:
    """Letters whose sound is right, both ways and one way."""
    both, one = found
    two_way, one_way = last_score(both), last_score(one)
    if one is None or math.isnan(two_way) or math.isnan(one_way):
        return None
    floor = float(one.config.task.one_way_floor) / math.log(2)  # type: ignore[union-attr]
    answer = "same" if two_way - one_way < 0.02 else "most" if one_way >= 0.9 else "some"
    numbers = {
        "one": share(one_way), "both": share(two_way), "floor": f"{floor:.2f}",
        "one_loss": f"{last_loss(one) / math.log(2):.2f}", "both_loss": f"{last_loss(both) / math.log(2):.3f}",
    }  # fmt: skip
    return Outcome(answer, numbers, f"{share(one_way)} of letters one way, {share(two_way)} both ways")
