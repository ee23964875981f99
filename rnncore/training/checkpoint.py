"""Checkpoints: safetensors for the numbers, JSON for the rest; nothing that is loaded is ever unpickled.

Layout of the file: the safetensors format (https://github.com/huggingface/safetensors), whose header's
metadata holds one JSON text. Tensor names are ``model.<parameter>``, ``optimizer.<index>.<entry>``,
``state.<layer>.<part>`` and ``generator.<name>``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnncore.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a resumed run needs to go on bit for bit.

    Attributes:
        step: completed training steps.
        meta: JSON values: the configuration, the training time in seconds, what is in force.
        tensors: CPU tensors by name.
    """

    step: int
    meta: dict[str, Any]
    tensors: dict[str, Tensor]

    def to_bytes(self) -> bytes:
        """One safetensors file, with a digest of the tensors in its metadata."""
        from safetensors.torch import save

        text = json.dumps({"step": self.step, **self.meta}, sort_keys=True)
        plain = {name: tensor.contiguous() for name, tensor in self.tensors.items()}
        body = save(plain)
        digest = hashlib.sha256(_payload(body) + text.encode()).hexdigest()
        return save(plain, metadata={"rnncore": text, "sha256": digest})

    @classmethod
    def from_bytes(cls, data: bytes) -> Checkpoint:
        """Read what ``to_bytes`` wrote.

        Raises:
            CheckpointError: the bytes are damaged, were edited, or are no checkpoint of this project.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            length = int.from_bytes(data[:8], "little")
            metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
            text, digest = metadata["rnncore"], metadata["sha256"]
            tensors = load(data)
            meta = json.loads(text)
            step = int(meta.pop("step"))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, SafetensorError) as error:
            raise CheckpointError(
                f"the checkpoint cannot be read ({type(error).__name__}); it is damaged or is no checkpoint "
                "of this project: resume from an older one, or restart the run"
            ) from None
        if hashlib.sha256(_payload(data) + text.encode()).hexdigest() != digest:
            raise CheckpointError(
                f"the checkpoint of step {step} does not match its digest: it was edited or damaged; "
                "resume from an older one, or restart the run"
            )
        return cls(step, meta, tensors)

    def save(self, path: str | Path) -> None:
        """Write to a file, whole or not at all."""
        path = Path(path)
        part = path.with_suffix(path.suffix + ".part")
        part.write_bytes(self.to_bytes())
        part.replace(path)

    @classmethod
    def load(cls, path: str | Path) -> Checkpoint:
        """Read from a file; CheckpointError where it is missing, damaged or edited."""
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise CheckpointError(f"the checkpoint {path} cannot be opened: {error.strerror}; check the path") from None
        return cls.from_bytes(data)


def _payload(data: bytes) -> bytes:
    """The tensors' bytes behind the header."""
    return data[8 + int.from_bytes(data[:8], "little") :]
