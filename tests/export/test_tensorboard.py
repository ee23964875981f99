"""Claims about event files, read back by TensorBoard itself; checksums against the standard's own examples."""

import json
import warnings

import numpy as np
import pytest

from rnncore.export.tensorboard import crc32c, framed, masked, write_events
from tests.export.conftest import TEXT


@pytest.fixture(scope="module")
def reader():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library's own imports
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    return EventAccumulator


@pytest.fixture
def events(store, run, tmp_path, reader):
    write_events(store, run.id, tmp_path)
    found = reader(str(tmp_path / run.id), size_guidance={"scalars": 0, "tensors": 0})
    found.Reload()
    return found


@pytest.mark.parametrize(
    ("data", "crc"),
    [  # RFC 3720, appendix B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"123456789", 0xE3069283),
    ],
)
def test_the_checksum_is_the_standards(data, crc):
    assert crc32c(data) == crc


def test_a_flipped_bit_is_noticed_by_the_reader(tmp_path, store, run, reader):
    write_events(store, run.id, tmp_path)
    (path,) = tmp_path.rglob("events.out.tfevents.*")
    data = bytearray(path.read_bytes())
    data[-10] ^= 1  # in the last event: a validation's
    path.write_bytes(data)
    found = reader(str(path.parent))
    found.Reload()
    assert set(found.Tags()["scalars"]) == {"train/loss", "train/seconds"}


def test_every_number_of_every_series_is_there_at_its_step_and_time(events, store, run):
    started = store.get(run.id).created
    assert set(events.Tags()["scalars"]) == {"train/loss", "train/seconds", "validation/loss", "validation/seconds"}
    loss = events.Scalars("train/loss")
    assert [one.step for one in loss] == [1, 2, 5]
    assert [one.value for one in loss] == store.series(run.id, "train")["loss"].tolist()
    np.testing.assert_allclose([one.wall_time - started for one in loss], [0.5, 1.0, 2.5], atol=1e-5)


def test_samples_and_configuration_are_text_that_markdown_leaves_alone(events, run):
    texts = {tag: [one.tensor_proto.string_val[0].decode() for one in events.Tensors(tag)]
             for tag in events.Tags()["tensors"]}  # fmt: skip
    assert json.loads(texts["configuration"][0]) == json.loads(run.config.to_json())
    shown = texts["sample"][1]
    assert "".join(line.removeprefix("    ") for line in shown.splitlines(keepends=True)) == "a" + TEXT + "\n"
    assert all(line.startswith("    ") for line in shown.splitlines())
    assert events.SummaryMetadata("sample").plugin_data.plugin_name == "text"
    assert [one.step for one in events.Tensors("sample")] == [2, 3, 8]


def test_a_record_is_framed_by_length_and_masked_checksums():
    record = framed(b"abc")
    assert record[:8] == (3).to_bytes(8, "little")
    assert record[8:12] == masked(crc32c(record[:8])).to_bytes(4, "little")
    assert record[12:15] == b"abc"
    assert len(record) == 19
