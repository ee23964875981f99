"""The network."""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from rnncore.config.sections import Section, setting

CellName = Literal[
    "rnn_tanh", "rnn_relu", "irnn", "orthogonal", "indrnn", "lstm", "peephole", "coupled", "layer_norm_lstm", "gru",
    "mgu", "mingru", "minlstm", "lru", "slstm", "mlstm", "conv_lstm", "tcn", "transformer",
]  # fmt: skip
CELLS: tuple[str, ...] = get_args(CellName)
CELL_LABELS: dict[str, str] = {
    "rnn_tanh": "RNN", "rnn_relu": "ReLU RNN", "irnn": "IRNN", "orthogonal": "Orthogonal RNN", "indrnn": "IndRNN",
    "lstm": "LSTM", "peephole": "Peephole LSTM", "coupled": "Coupled LSTM", "layer_norm_lstm": "LayerNorm LSTM",
    "gru": "GRU", "mgu": "MGU", "mingru": "minGRU", "minlstm": "minLSTM", "lru": "LRU", "slstm": "sLSTM",
    "mlstm": "mLSTM", "conv_lstm": "ConvLSTM", "tcn": "TCN", "transformer": "Transformer",
}  # fmt: skip
KEEPING_GATE: dict[str, str] = {
    "lstm": "forget", "peephole": "forget", "coupled": "forget", "layer_norm_lstm": "forget", "gru": "update",
    "mgu": "forget", "mingru": "update", "minlstm": "forget", "slstm": "forget", "conv_lstm": "forget",
}  # fmt: skip
"""The gate that ``gate_bias`` is about, of the cells that have one."""
RECURRENT_MATRIX: tuple[str, ...] = (
    "rnn_tanh", "rnn_relu", "irnn", "lstm", "peephole", "coupled", "layer_norm_lstm", "gru", "mgu", "slstm",
)  # fmt: skip
"""Cells whose recurrent weights are a free matrix, which may begin orthogonal, as the identity, or scaled."""
Encoder = Literal["identity", "convolution"]
RecurrentInit = Literal["default", "orthogonal", "identity"]


class Model(Section):
    """A stack of recurrent layers between an embedding and a linear readout."""

    cell: CellName = Field(
        "lstm",
        description="Recurrent cell",
        json_schema_extra={"unit": "", "remedy": f"choose one of {', '.join(CELLS)}"},
    )
    hidden_size: int = setting(128, "Units per layer, H", unit="units", ge=1, le=4096)
    num_layers: int = setting(1, "Recurrent layers, L", unit="layers", ge=1, le=8)
    bidirectional: bool = setting(False, "Read in both directions; for tasks whose answers are not read")
    residual: bool = setting(False, "Add each layer's input to its output, from the second layer on")
    encoder: Encoder = Field(
        "identity",
        description="What each step's picture goes through first",
        json_schema_extra={"unit": "", "remedy": "choose one of identity, convolution"},
    )
    readout_layers: int = setting(
        1, "Layers from the hidden state to the answer, at each step", unit="layers", ge=1, le=4
    )
    embedding_size: int = setting(64, "Size of a character's vector, D", unit="units", ge=1, le=1024)
    dropout: float = setting(0.0, "Share of each layer's outputs set to zero while training", ge=0, lt=1, unit="share")
    recurrent: RecurrentInit = Field(
        "default",
        description="Initial recurrent weights",
        json_schema_extra={"unit": "", "remedy": "choose one of default, orthogonal, identity"},
    )
    recurrent_gain: float = setting(1.0, "Factor on the initial recurrent weights", ge=0, le=10, unit="times")
    gate_bias: Annotated[Literal["default", "chrono"] | float, Field(union_mode="left_to_right")] = setting(
        "default",
        "Bias of the gate that keeps the state (LSTM forget, GRU update) at the start: a value, chrono, or default",
        remedy="use a number between -10 and 10, 'chrono' or 'default'",
    )
    t_max: int | None = setting(
        None,
        "Longest dependency that chrono initialisation aims at; empty for the sequence length",
        unit="characters",
        ge=3,
        le=100_000,
    )

    @property
    def layer_names(self) -> tuple[str, ...]:
        """What each layer is called, in the records' order."""
        ways = ("", ", reverse") if self.bidirectional else ("",)
        return tuple(f"layer {number + 1}{way}" for number in range(self.num_layers) for way in ways)

    @property
    def wiring(self) -> str:
        """What stands around the layers, for legends: `` · convolution``, '' for nothing."""
        parts = {
            "both ways": self.bidirectional, "residual": self.residual, "convolution": self.encoder == "convolution",
            f"{self.readout_layers} decoder layers": self.readout_layers > 1,
        }  # fmt: skip
        return "".join(f" · {name}" for name, there in parts.items() if there)

    def cell_of(self, layer: int) -> str:
        """The cell of a layer, counted from 0."""
        return self.cell

    @model_validator(mode="after")
    def _pictures_are_read_one_way(self) -> Self:
        if self.cell == "conv_lstm" and self.encoder != "identity":
            raise ValueError(
                f"encoder must be identity for cell 'conv_lstm', got {self.encoder!r}; it reads the pictures themselves"
            )
        return self

    @model_validator(mode="after")
    def _gates_need_a_gated_cell(self) -> Self:
        if self.gate_bias != "default" and self.cell not in KEEPING_GATE:
            raise ValueError(
                f"gate_bias needs a cell with gates, got cell {self.cell!r}; use one of {', '.join(KEEPING_GATE)}, "
                "or set gate_bias to 'default'"
            )
        if self.cell not in RECURRENT_MATRIX:
            for leaf, usual in (("recurrent", "default"), ("recurrent_gain", 1.0)):
                if getattr(self, leaf) != usual:
                    raise ValueError(
                        f"{leaf} needs a cell with a free recurrent matrix, got cell {self.cell!r}; set {leaf} to "
                        f"{usual!r}, or use one of {', '.join(RECURRENT_MATRIX)}"
                    )
        if isinstance(self.gate_bias, float) and not -10 <= self.gate_bias <= 10:
            raise ValueError(
                f"gate_bias must be between -10 and 10, got {self.gate_bias:g}; "
                "use a number in that range, 'chrono' or 'default'"
            )
        return self
