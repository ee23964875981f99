"""What a run will cost, before it starts: parameters, memory, and an estimate of its speed.

Needs neither torch nor NumPy. The speed model is a least-squares fit to each cell's layer on one CPU thread,
within about 15 % on the machine it was measured on: milliseconds = a·GFLOP + b·T/1000 + c·T·B·H/10⁶ + d.
"""

from __future__ import annotations

from dataclasses import dataclass

from rnncore.cells import CELLS
from rnncore.config import HenonTask, KnownTask, Model, RunConfig, SentencesTask
from rnncore.errors import ConfigError

_SPEED = {
    "rnn_tanh": (15.5, 39.8, 0.24, 0.3), "rnn_relu": (15.5, 39.8, 0.24, 0.3), "irnn": (15.5, 39.8, 0.24, 0.3),
    "lstm": (7.1, 10.8, 2.0, 1.0), "gru": (12.5, 108.6, 9.8, 0.3), "orthogonal": (31.3, 26.6, 0.0, 0.9),
    "indrnn": (2.5, 22.1, 5.5, 0.0), "peephole": (13.3, 169.0, 14.5, 0.0), "coupled": (12.0, 96.9, 12.7, 0.0),
    "layer_norm_lstm": (12.8, 143.0, 23.0, 0.0), "mgu": (13.4, 95.2, 6.5, 0.0), "mingru": (10.4, 1.7, 6.8, 0.5),
    "minlstm": (8.4, 1.7, 14.6, 0.4), "lru": (16.7, 2.5, 8.5, 0.9), "slstm": (12.0, 216.0, 37.2, 0.0),
    "mlstm": (17.8, 19.1, 54.9, 0.0), "conv_lstm": (30.0, 150.0, 15.0, 0.0), "tcn": (10.0, 1.0, 3.0, 0.3),
    "transformer": (10.0, 1.0, 10.0, 0.5),
}  # fmt: skip
_PROCESS_BYTES = 300e6  # a worker with torch loaded
_OPTIMISER_COPIES = {"adam": 2, "adamw": 2, "sgd": 1, "rmsprop": 2}
_KEEP_FREE = 0.9  # share of the available memory that one run may ask for
TYPICAL_VOCABULARY = 100


@dataclass(frozen=True)
class Cost:
    """Parameters (a count), memory in bytes, and estimated training steps per second on one core.

    ``operations`` of a training step are those of its matrix products, forward and backward: three products of two
    floating-point operations per weight, sequence and step (elementwise work is some hundredth of it). ``memory`` is
    the whole process's; ``network_memory`` what weights, gradients, optimiser and activations take of it.
    """

    parameters: int
    memory: float
    steps_per_second: float
    operations: float

    @property
    def network_memory(self) -> float:
        """Bytes for the network alone."""
        return self.memory - _PROCESS_BYTES

    @property
    def sentence(self) -> str:
        """All three in words."""
        return (
            f"{self.parameters:,} parameters · about {human_bytes(self.memory)} of memory · "
            f"about {self.steps_per_second:.3g} steps a second on one core"
        )


def estimate(config: RunConfig, vocab_size: int = TYPICAL_VOCABULARY) -> Cost:
    """The cost of a run; the parameter count is exact, the rest an estimate."""
    model, training, steps = config.model, config.training, config.task.sequence_length
    cell, batch, ways = CELLS[model.cell], training.batch_size, 2 if model.bidirectional else 1
    read, answered = sizes_of(config, vocab_size)
    picture: tuple[int, int] | None = getattr(config.task, "picture", None)
    pixels = picture[0] * picture[1] if picture else 1
    front, front_products, first = _front(config, read, answered, pixels)
    maps = pixels if model.cell == "conv_lstm" else 1  # its sizes count channels, and a kernel serves all places
    hidden = model.hidden_size
    sizes = [first // maps] + [hidden * ways] * (model.num_layers - 1)
    recurrent = ways * sum(cell.parameters(size, hidden) for size in sizes)
    top = hidden * ways
    readout, readout_products = _readout(model, top, answered, maps)
    parameters = front + recurrent + readout
    of_layers = ways * maps * sum(cell.products(size, hidden) for size in sizes)
    products = front_products + of_layers + readout_products
    operations = 6.0 * steps * batch * products
    a, b, c, d = _SPEED[model.cell]
    volume = ways * model.num_layers * steps * batch * hidden * maps / 1e6
    milliseconds = 1e-9 * a * operations + b * ways * model.num_layers * steps / 1000 + c * volume + d
    milliseconds += parameters * 4e-6  # the optimiser walks over every weight
    blocks, hidden = cell.blocks * ways, hidden * ways * maps
    weights = 4.0 * parameters * (2 + _OPTIMISER_COPIES[training.optimizer])
    checkpoint = 2 * 4.0 * parameters * (1 + _OPTIMISER_COPIES[training.optimizer])
    activations = 4.0 * steps * batch * (2 * sum(blocks * hidden + 2 * hidden for _ in sizes) + 3 * answered)
    memory = _PROCESS_BYTES + weights + checkpoint + activations
    return Cost(parameters, memory, 1000 / milliseconds, operations)


def _front(config: RunConfig, read: int | None, answered: int, pixels: int) -> tuple[int, int, int]:
    """Parameters before the layers, their multiplications at a step, and how many numbers they give."""
    size = config.model.embedding_size
    if read is None:
        return answered * size, 0, size
    if config.model.encoder == "identity":
        return 0, 0, read
    rows, columns = config.task.picture  # type: ignore[union-attr]
    small = -(-rows // 2) * -(-columns // 2)  # see models/parts.py
    parameters = 9 * 8 + 8 + 9 * 8 * 16 + 16 + (16 * small + 1) * size
    return parameters, 9 * 8 * pixels + 9 * 8 * 16 * small + 16 * small * size, read - pixels + size


def _readout(model: Model, size: int, answered: int, maps: int) -> tuple[int, int]:
    """Parameters behind the layers, and their multiplications at a step."""
    if model.cell == "conv_lstm":
        if answered % maps == 0:
            kernel = 9 * size * (answered // maps)
            return kernel + answered // maps, kernel * maps
        size *= maps
    between = (model.readout_layers - 1) * (size + 1) * size
    return between + (size + 1) * answered, between + size * answered


def sizes_of(config: RunConfig, vocab_size: int = TYPICAL_VOCABULARY) -> tuple[int | None, int]:
    """Numbers read at each step, None where it is one of the choices answered; and how many these are."""
    match config.task:
        case KnownTask() as task:
            return task.inputs, task.outputs
        case HenonTask():
            return 2, 2
        case SentencesTask():
            return None, SentencesTask.words
    return None, vocab_size


def check_memory(config: RunConfig, vocab_size: int = TYPICAL_VOCABULARY) -> Cost:
    """The cost of a run that fits into this machine's memory.

    Raises:
        ConfigError: it does not fit, with both figures.
    """
    import psutil

    cost = estimate(config, vocab_size)
    available = psutil.virtual_memory().available
    if config.training.device == "cpu" and cost.memory > _KEEP_FREE * available:
        raise ConfigError(
            f"the model needs about {human_bytes(cost.memory)} of memory, got {human_bytes(available)} free on "
            f"this machine; lower hidden_size (now {config.model.hidden_size:,}), num_layers "
            f"({config.model.num_layers}), batch_size ({config.training.batch_size:,}) or sequence_length "
            f"({config.task.sequence_length:,})"
        )
    return cost


def human_bytes(count: float) -> str:
    """1536000 → '1.5 MB'."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB" if count < 999.5 else f"{count / 1000:,.1f} TB"
