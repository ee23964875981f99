"""Claims about dates in words."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from rnncore.tasks import dates
from rnncore.tasks.dates import READ, STYLES, WRITTEN, draw, ordinal, written

DAY = datetime.date(2021, 3, 21)


def test_a_date_in_every_style():
    assert [written(DAY, style) for style in range(STYLES)] == [
        "march 21, 2021", "sunday, 21 march 2021", "the twenty-first of march 2021", "21 mar 21",
        "21. märz 2021", "sonntag, 21. märz 2021", "der einundzwanzigste märz 2021", "21.3.21",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("day", "english", "german"),
    [(1, "first", "erste"), (12, "twelfth", "zwölfte"), (20, "twentieth", "zwanzigste"),
     (27, "twenty-seventh", "siebenundzwanzigste"), (30, "thirtieth", "dreißigste"),
     (31, "thirty-first", "einunddreißigste")],
)  # fmt: skip
def test_ordinals(day, english, german):
    assert (ordinal(day, "en"), ordinal(day, "de")) == (english, german)


def test_all_of_a_century_can_be_written_and_no_two_dates_are_written_alike():
    for style in range(STYLES):
        seen = set()
        day = dates.FIRST
        while day <= dates.LAST:
            text = written(day, style)
            assert set(text) <= set(READ)
            seen.add(text)
            day += datetime.timedelta(1)
        assert len(seen) == (dates.LAST - dates.FIRST).days + 1


def test_what_is_drawn_is_what_is_written_and_the_target_is_its_iso_date():
    found = draw(np.random.default_rng(0), 200)
    for n, source in enumerate(found.sources):
        assert "".join(READ[one] for one in found.read[: found.lengths[n], n]) == source
        target = "".join(WRITTEN[one] for one in found.targets[:, n])
        assert written(datetime.date.fromisoformat(target), int(found.styles[n])) == source
        assert not found.read[found.lengths[n] :, n].any()
    assert set(found.styles) == set(range(STYLES))
    few = found.some([3, 5])
    assert few.sources == (found.sources[3], found.sources[5])
    assert len(few.read) == few.lengths.max()


def test_what_is_held_out_is_never_trained_on():
    def days(seed, held_out):
        found = draw(np.random.default_rng(seed), 20_000, held_out=held_out)
        return {"".join(WRITTEN[one] for one in column) for column in found.targets.T}

    trained, held = days(1, False), days(2, True)
    assert not trained & held
    every, chosen = (dates.LAST - dates.FIRST).days + 1, len(held)
    assert chosen / every == pytest.approx(1 / dates.HELD_OUT_EVERY, abs=0.01)
