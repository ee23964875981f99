"""Claims about exported tables: all of the store's numbers, exactly, and nothing else."""

import numpy as np
import pandas as pd
import pytest

from rnncore.export import tables
from rnncore.export.tables import write_csv, write_parquet
from rnncore.records import Sample
from tests.export.conftest import TEXT

READ = {
    "csv": (write_csv, lambda path: pd.read_csv(path, keep_default_na=True)),
    "parquet": (write_parquet, pd.read_parquet),
}


@pytest.mark.parametrize("form", READ)
def test_every_series_and_every_kind_of_record_is_there(store, run, tmp_path, form):
    write, read = READ[form]
    write(store, run.id, tmp_path)
    written = {str(path.relative_to(tmp_path).with_suffix("")) for path in tmp_path.rglob(f"*.{form}")}
    series = {f"series/{name}" for name in store.series_names(run.id)}
    assert written == series | {f"records/{kind}" for kind in store.record_kinds(run.id)}
    for path in tmp_path.rglob(f"*.{form}"):
        frame = read(path)
        assert len(frame) > 0, path
        assert {"step", "training_step"} & set(frame.columns), path


@pytest.mark.parametrize("form", READ)
def test_a_table_is_all_records_one_after_the_other_to_the_last_bit(store, run, tmp_path, form):
    write, read = READ[form]
    write(store, run.id, tmp_path)
    for kind in store.record_kinds(run.id):
        frames = [record.frame() for record in store.records(run.id, kind)]
        expected, found = pd.concat(frames, ignore_index=True), read(tmp_path / "records" / f"{kind}.{form}")
        assert len(found) == len(expected)
        for column in expected:
            if pd.api.types.is_numeric_dtype(expected[column]):
                got, wanted = found[column].to_numpy(), expected[column].to_numpy()
                np.testing.assert_array_equal(got.astype(wanted.dtype), wanted, err_msg=f"{kind} {column}")
    train, wanted = read(tmp_path / "series" / f"train.{form}"), store.series(run.id, "train")
    for column, values in wanted.items():
        np.testing.assert_array_equal(train[column].to_numpy().astype(values.dtype), values)


@pytest.mark.parametrize("form", READ)
def test_text_stays_as_it_is_whatever_is_in_it(store, run, tmp_path, form):
    write, read = READ[form]
    write(store, run.id, tmp_path)
    frame = read(tmp_path / "records" / f"sample.{form}")
    assert frame[frame.step == 3].text.item() == TEXT
    bits = frame.set_index("step").validation_bits
    assert np.isnan(bits[3])
    assert bits[8] == 2.5


def test_a_column_that_only_a_later_record_has_is_there(store, run, tmp_path, monkeypatch):
    frames = [pd.DataFrame({"step": [1], "a": [1]}), pd.DataFrame({"step": [2], "a": [0.5], "b": ["x"]})]
    monkeypatch.setattr(tables, "record_frames", lambda *_: iter(frames))
    for write, read, name in ((*READ["csv"], "sample.csv"), (*READ["parquet"], "sample.parquet")):
        write(store, run.id, tmp_path)
        found = read(tmp_path / "records" / name)
        assert found.a.tolist() == [1.0, 0.5]
        assert pd.isna(found.b[0])
        assert found.b[1] == "x"


def test_a_record_that_is_thinned_out_meanwhile_is_not_written_twice(store, run, monkeypatch):
    steps = store.record_steps(run.id, "sample")
    monkeypatch.setattr(store, "record_steps", lambda *_: [*steps, steps[-1] + 1])
    frames = list(tables.record_frames(store, run.id, "sample"))
    assert [int(frame.step.iloc[0]) for frame in frames] == steps
    assert all(isinstance(store.record(run.id, "sample", at=step), Sample) for step in steps)
