"""The recurrent cells, one file per family. A new cell is one file and one line here."""

from rnncore.cells.base import Backward, Cell, Forward, Gate, Gates, Weights
from rnncore.cells.gru import GRU
from rnncore.cells.lstm import LSTM
from rnncore.cells.rnn import RNN_RELU, RNN_TANH

CELLS: dict[str, Cell] = {cell.name: cell for cell in (RNN_TANH, RNN_RELU, LSTM, GRU)}

__all__ = ["CELLS", "Backward", "Cell", "Forward", "Gate", "Gates", "Weights"]
