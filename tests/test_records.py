"""Claims about records: plain, exact, downloadable."""

import numpy as np
import pytest

from rnncore.records import Baselines, GateActivity, GradientFlow, Record, Sample, Saturation
from tests.figures.test_dynamics import jacobian, spectrum
from tests.figures.test_parameters import parameters
from tests.figures.test_per_loss import matrix
from tests.figures.test_sample_quality import levels, quality


def flow(layers=2, length=5, cell=True):
    rows = np.arange(layers * length, dtype=np.float32).reshape(layers, length)
    none = np.zeros((0, length), np.float32)
    return GradientFlow(
        step=7, cell="lstm", sequences=8, hidden_total=rows, hidden_last=rows + 1, hidden_direct=rows + 2,
        cell_total=rows + 3 if cell else none, cell_last=rows + 4 if cell else none,
        factor=np.array([0.5, np.nan]), half_life=np.array([1.0, np.inf]),
    )  # fmt: skip


def gates():
    return GateActivity(
        step=3, cell="gru", hidden_size=4, text=("a", "\n", "<"), targets=("\n", "<", "é"),
        channels=("r", "z", "n", "h"), units=np.array([0, 3]),
        values=np.random.default_rng(0).random((2, 4, 3, 2)).astype(np.float32),
    )  # fmt: skip


RECORDS = [
    flow(),
    flow(cell=False),
    gates(),
    Saturation(step=1, cell="lstm", gates=("i", "f"), left=np.ones((1, 2, 4)), right=np.zeros((1, 2, 4))),
    Sample(step=2, primer="<b>", text="\x00 é 😀", temperature=0.8, seed=1),
    Baselines(step=0, vocab_size=65, uniform=6.0, orders=(1, 2), bits=(4.8, 3.6)),
    jacobian(layers=2),
    jacobian("gru"),
    spectrum(),
    matrix(rows=("layer 1", "layer 2")),
    matrix(cell=False),
    parameters(layers=2),
    quality(),
    levels(),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.kind)
def test_a_record_survives_its_byte_form_to_the_last_bit(record):
    again = Record.from_bytes(record.to_bytes())
    assert type(again) is type(record)
    for name in record.__dataclass_fields__:
        before, after = getattr(record, name), getattr(again, name)
        if isinstance(before, np.ndarray):
            assert after.dtype == before.dtype
            np.testing.assert_array_equal(after, before)
        else:
            assert after == before


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.kind)
def test_every_record_is_a_table(record):
    assert len(record.frame()) > 0


def test_the_gradient_table_holds_lag_and_value_of_each_step():
    table = flow().frame()
    row = table[(table.layer == 1) & (table.t == 4)].iloc[0]
    assert row["lag"] == 0
    assert row["grad_hidden_last_loss"] == 10
    assert row["grad_cell_last_loss"] == 13


def test_the_gate_table_names_the_true_unit_and_character():
    record = gates()
    table = record.frame()
    row = table[(table.layer == 1) & (table.t == 2) & (table.unit == 3)].iloc[0]
    assert row["character"] == "<"
    assert row["z"] == record.channel(1, "z")[2, 1]
