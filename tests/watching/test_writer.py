"""Claims about what reaches the store from a watched loop."""

import math
from contextlib import contextmanager

from torch import nn

import rnncore
from rnncore.runs.store import RunStore, StoreUnavailable
from rnncore.watching.rows import thinned
from rnncore.watching.writer import MOST_ROWS, Parcel
from tests.watching.models import Reader, train


def row(step, loss=1.0, norm=math.nan):
    return (step, 0.001 * step, loss, norm, math.nan, 0.1)


def test_a_fast_loop_keeps_the_rows_whose_norm_was_measured_and_those_that_went_wrong():
    rows = [row(step, norm=2.0 if step % 10 == 0 else math.nan) for step in range(1, 101)]
    rows[54] = row(55, loss=math.nan)
    rows[55] = row(56, loss=-math.inf)
    assert [one[0] for one in thinned(rows, 0.1)] == [10, 20, 30, 40, 50, 55, 56, 60, 70, 80, 90, 100]
    assert thinned(rows, 100.0) == rows
    assert thinned(rows[:8], 0.008) == rows[:8]
    unmeasured = [row(step) for step in range(100)]
    assert thinned(unmeasured, 0.1) == unmeasured


def test_a_commit_that_was_done_although_the_connection_was_lost_is_not_done_twice(store, monkeypatch, said):
    class Losing(RunStore):
        lost = False

        @contextmanager
        def transaction(self):
            outermost = getattr(self._local, "connection", None) is None
            with super().transaction() as connection:
                yield connection
            if outermost and not Losing.lost and (runs := self.runs()) and self.last_step(runs[0].id, "train"):
                Losing.lost = True
                raise StoreUnavailable("the server does not answer")

    monkeypatch.setattr("rnncore.watching.writer.RunStore", Losing)
    model = Reader(nn.RNN(4, 3))
    with rnncore.watch(model) as watch:
        train(watch, model, steps=3)
        watch._next_parcel = 0.0
        train(watch, model, steps=3)
    assert Losing.lost
    run = store.runs()[0]
    assert (run.state, store.series(run.id, "train")["step"].tolist()) == ("finished", [1, 2, 3, 4, 5, 6])
    assert said()[-1] == "The run store takes the watched run again"


def test_what_waits_for_the_store_stays_bounded():
    waiting = Parcel()
    for start in range(0, 3 * MOST_ROWS, MOST_ROWS // 2):
        waiting.add(Parcel(train=[row(step) for step in range(start, start + MOST_ROWS // 2)]))
    steps = [one[0] for one in waiting.train]
    assert len(steps) <= MOST_ROWS
    assert steps == sorted(set(steps))
    assert steps[-1] == 3 * MOST_ROWS - 1
