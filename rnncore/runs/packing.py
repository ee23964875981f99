"""Bytes for the columns of a series: differences, bytes sorted by significance, then zlib.

A training step of six columns takes about 11 bytes instead of 32. Exact: what comes back is bit for bit what
went in. Layout: header length (4 bytes, little-endian), header (JSON: names and rows), compressed columns.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping

import numpy as np

from rnncore.errors import StoreError
from rnncore.records import Array, Columns

_TYPES = {"step": np.dtype("<i8"), "seconds": np.dtype("<f8")}
_OTHER = np.dtype("<f4")


def type_of(name: str) -> np.dtype:
    """step is int64, seconds is float64, everything else float32."""
    return _TYPES.get(name, _OTHER)


def pack(columns: Mapping[str, Array]) -> bytes:
    """Equally long columns, each of shape (rows,), as bytes."""
    rows = {len(values) for values in columns.values()}
    if len(rows) != 1:
        raise StoreError(f"the columns of a series must be equally long, got {sorted(rows)} rows; append whole rows")
    header = json.dumps({"names": list(columns), "rows": rows.pop()}).encode()
    body = b"".join(_shuffled(np.asarray(values, type_of(name))) for name, values in columns.items())
    return len(header).to_bytes(4, "little") + header + zlib.compress(body, 1)


def unpack(data: bytes) -> Columns:
    """Undo ``pack``."""
    start = 4 + int.from_bytes(data[:4], "little")
    header = json.loads(data[4:start])
    body = zlib.decompress(data[start:])
    columns, at = {}, 0
    for name in header["names"]:
        size = header["rows"] * type_of(name).itemsize
        columns[name] = _unshuffled(body[at : at + size], type_of(name))
        at += size
    return columns


def _shuffled(values: Array) -> bytes:
    if values.dtype.itemsize == 8:  # neighbours are alike: their differences as integers have leading zeros
        values = np.diff(values.view(np.int64), prepend=np.int64(0))
    return values.view(np.uint8).reshape(-1, values.dtype.itemsize).T.tobytes()


def _unshuffled(data: bytes, dtype: np.dtype) -> Array:
    flat = np.frombuffer(data, np.uint8).reshape(dtype.itemsize, -1).T
    values = np.ascontiguousarray(flat).reshape(-1)
    if dtype.itemsize == 8:
        return np.cumsum(values.view(np.int64)).view(dtype)
    return values.view(dtype)
