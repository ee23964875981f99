"""A run as TensorBoard's event file: all series as scalars, samples and configuration as text.

The format is a chain of records, each a protocol buffer ``Event`` between its length and checksums:
``length (uint64) | masked CRC32C of the length | event | masked CRC32C of the event``, all little-endian
(https://github.com/tensorflow/tensorboard, tensorboard/compat/proto/event.proto and summary.proto;
https://www.tensorflow.org/tutorials/load_data/tfrecord). These few messages are written here by hand, so that an
export needs no library of TensorBoard's size; the tests read them back with TensorBoard itself.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np

from rnncore.export.configuration import configuration
from rnncore.records import Columns, Sample
from rnncore.runs.store import RunInfo, RunStore

VERSION = b"brain.Event:2"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types, see https://protobuf.dev/programming-guides/encoding."""
_DT_STRING = 7
_POLYNOMIAL = 0x82F63B78  # Castagnoli's, reflected


def write_events(store: RunStore, run_id: str, folder: Path) -> None:
    """Write ``<run>/events.out.tfevents.<time>.<run>``: open the folder above it with ``tensorboard --logdir``.

    Numbers that are nan, such as a measure that was not taken at a step, are left out.
    """
    run = store.get(run_id)
    clock = _Clock(run, store.series(run_id, "train"))
    place = folder / run_id
    place.mkdir()
    with (place / f"events.out.tfevents.{int(run.created)}.{run_id}").open("wb") as file:
        file.write(framed(_event(clock.start, 0, version=VERSION)))
        shown = [("configuration", 0, configuration(run))]
        samples = cast("list[Sample]", store.records(run_id, "sample"))
        shown += [("sample", sample.step, sample.primer + sample.text) for sample in samples]
        for tag, step, text in shown:
            file.write(framed(_event(clock.at(step), step, summary=_text(tag, text))))
        for name in store.series_names(run_id):
            columns = store.series(run_id, name)
            for step, values in _rows(name, columns):
                file.write(framed(_event(clock.at(step), step, summary=_scalars(values))))


class _Clock:
    """When a step was taken, in Unix seconds; pauses are left out, as in a run's own time."""

    def __init__(self, run: RunInfo, train: Columns):
        self.start = run.started or run.created
        self.steps = np.insert(train["step"].astype(np.float64), 0, 0.0) if train else np.zeros(1)
        self.seconds = np.insert(train["seconds"].astype(np.float64), 0, 0.0) if train else np.zeros(1)

    def at(self, step: int) -> float:
        return self.start + float(np.interp(step, self.steps, self.seconds))


def _rows(name: str, columns: Columns) -> list[tuple[int, dict[str, float]]]:
    steps = columns["step"].tolist()
    values = {f"{name}/{column}": found.tolist() for column, found in columns.items() if column != "step"}
    rows = [{tag: one[row] for tag, one in values.items() if one[row] == one[row]} for row in range(len(steps))]
    return [(step, row) for step, row in zip(steps, rows, strict=True) if row]


def framed(event: bytes) -> bytes:
    """An event between its length and checksums."""
    length = struct.pack("<Q", len(event))
    return length + struct.pack("<I", masked(crc32c(length))) + event + struct.pack("<I", masked(crc32c(event)))


def _table() -> list[int]:
    table = []
    for index in range(256):
        for _ in range(8):
            index = (index >> 1) ^ (_POLYNOMIAL if index & 1 else 0)
        table.append(index)
    return table


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """Castagnoli's cyclic redundancy check (RFC 3720, appendix B.4)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def masked(crc: int) -> int:
    """As the format stores it, so that a checksum of data with checksums in it stays a good one."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _event(wall_time: float, step: int, *, version: bytes = b"", summary: bytes = b"") -> bytes:
    head = _key(1, _FIXED64) + struct.pack("<d", wall_time) + _key(2, _VARINT) + _varint(step)
    return head + (_bytes(3, version) if version else b"") + (_bytes(5, summary) if summary else b"")


def _scalars(values: Mapping[str, float]) -> bytes:
    return b"".join(
        _bytes(1, _bytes(1, tag.encode()) + _key(2, _FIXED32) + struct.pack("<f", value))
        for tag, value in values.items()
    )


def _text(tag: str, text: str) -> bytes:
    """A text for the text plugin, which reads Markdown: indented, so that it is shown as it stands."""
    shown = "".join(f"    {line}\n" for line in text.split("\n"))
    one = _bytes(2, _key(1, _VARINT) + _varint(1))
    tensor = _key(1, _VARINT) + _varint(_DT_STRING) + _bytes(2, one) + _bytes(8, shown.encode("utf-8", "replace"))
    metadata = _bytes(1, _bytes(1, b"text"))
    return _bytes(1, _bytes(1, tag.encode()) + _bytes(8, tensor) + _bytes(9, metadata))


def _bytes(field: int, value: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(value)) + value


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
