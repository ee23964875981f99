"""Claims about the sizes that are said of a run's forms before any of them is made."""

import pytest

from rnncore.config import RunConfig
from rnncore.export import FORMS, in_words, sizes, zipped
from rnncore.runs.here import begin_here, run_here
from rnncore.runs.store import RunStore


def test_they_are_of_the_order_of_what_is_made(tmp_path):
    with RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}") as store:
        run = begin_here(store, RunConfig.of(task="parity", hidden_size=48, steps=60, batch_size=8))
        run_here(store, run)
        said = sizes(store, store.get(run.id))
        made = {
            form: len(zipped(lambda folder, of=one: of.write(store, run.id, folder))) for form, one in FORMS.items()
        }
    assert set(said) == set(FORMS)
    for form in ("csv", "parquet"):
        assert 0.4 < said[form] / made[form] < 2.5, (form, said, made)
    assert 0.5 < said["weights"] / made["weights"] < 1.2, (said, made)
    assert all(size > 0 for size in said.values())


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "about 1 kB"), (1_400, "about 1 kB"), (990_000, "about 990 kB"), (5_600_000, "about 6 MB")],
)
def test_they_are_said_in_round_numbers(size, words):
    assert in_words(size) == words
