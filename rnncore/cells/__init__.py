"""The recurrent cells and their alternatives, one file per family. A new cell is one file and one line here."""

from rnncore.cells.base import Backward, Cell, Forward, Gate, Gates, Weights
from rnncore.cells.conv_lstm import CONV_LSTM
from rnncore.cells.coupled import COUPLED
from rnncore.cells.gru import GRU
from rnncore.cells.indrnn import INDRNN
from rnncore.cells.irnn import IRNN
from rnncore.cells.layer_norm_lstm import LAYER_NORM_LSTM
from rnncore.cells.lru import LINEAR_RECURRENT
from rnncore.cells.lstm import LSTM
from rnncore.cells.mgu import MINIMAL_GATED
from rnncore.cells.mingru import MINGRU
from rnncore.cells.minlstm import MINLSTM
from rnncore.cells.mlstm import MATRIX_LSTM
from rnncore.cells.orthogonal import ORTHOGONAL
from rnncore.cells.peephole import PEEPHOLE
from rnncore.cells.rnn import RNN_RELU, RNN_TANH
from rnncore.cells.slstm import SCALAR_LSTM
from rnncore.cells.tcn import TEMPORAL_CONVOLUTION
from rnncore.cells.transformer import CAUSAL_TRANSFORMER

TORCH_CELLS: dict[str, Cell] = {cell.name: cell for cell in (RNN_TANH, RNN_RELU, LSTM, GRU)}
"""Those that torch has a fused layer for."""
OWN_CELLS: dict[str, Cell] = {
    cell.name: cell
    for cell in (
        IRNN, ORTHOGONAL, INDRNN, PEEPHOLE, COUPLED, LAYER_NORM_LSTM, MINIMAL_GATED, MINGRU, MINLSTM, LINEAR_RECURRENT,
        SCALAR_LSTM, MATRIX_LSTM, CONV_LSTM,
    )
}  # fmt: skip
BEYOND: dict[str, Cell] = {cell.name: cell for cell in (TEMPORAL_CONVOLUTION, CAUSAL_TRANSFORMER)}
"""The lecture's alternatives to recurrence, with the same face."""
CELLS: dict[str, Cell] = TORCH_CELLS | OWN_CELLS | BEYOND

__all__ = ["BEYOND", "CELLS", "OWN_CELLS", "TORCH_CELLS", "Backward", "Cell", "Forward", "Gate", "Gates", "Weights"]
