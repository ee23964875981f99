"""The whole grid: each cell in each shape of network that it fits, opened, against autograd through single steps.

The oracle runs every layer one step at a time and adds a zero to h after each: the gradient of that zero is dL/dh_t.
"""

from __future__ import annotations

from typing import Any, get_args

import pytest
import torch
from torch import Tensor, nn

import rnncore
from rnncore.cells import CELLS
from rnncore.config import RunConfig
from rnncore.config.tasks import ShapeTasks
from rnncore.diagnostics.attribution import attribution, read_by_readout, through_readout
from rnncore.diagnostics.live import last_loss
from rnncore.diagnostics.per_loss import per_loss_matrix
from rnncore.errors import ConfigError
from rnncore.training.trainer import Trainer
from tests.oracles import relative

KINDS = [one.model_fields["kind"].default for one in get_args(ShapeTasks)]


def trainer_of(kind: str, cell: str, **values: Any) -> Trainer | None:
    usual = {"task": kind, "cell": cell, "batch_size": 2, "hidden_size": 4, "embedding_size": 3, "num_layers": 2}
    if cell == "conv_lstm":
        usual["hidden_size"] = 2
    try:
        config = RunConfig.of(**usual | values)
    except ConfigError as error:
        assert cell == "conv_lstm" and "picture" in str(error)  # noqa: PT018
        return None
    trainer = Trainer(config)
    trainer.model.double()
    return trainer


class Stepped:
    """Runs a model with every layer one step at a time, and keeps the zeros that were added to h."""

    def __init__(self, model: Any):
        self.model = model
        self.zeros: dict[int, list[Tensor]] = {}

    def __call__(self, inputs: Tensor) -> Tensor:
        places = {id(layer): index for index, layer in enumerate(self.model.layers)}

        def run(module: nn.Module, *given: Any) -> Any:
            if id(module) not in places:
                return module(*given)
            x, state = given
            found, self.zeros[places[id(module)]] = [], []
            for one in x:
                y, state = module(one.unsqueeze(0), state)
                zero = torch.zeros_like(y[0], requires_grad=True)
                self.zeros[places[id(module)]].append(zero)
                y = y[0] + zero
                state = (y.unsqueeze(0), *state[1:]) if isinstance(state, tuple) else y.unsqueeze(0)
                found.append(y)
            return torch.stack(found), state

        outputs: Tensor = self.model.through(inputs, None, lambda index, x: self.model.dropouts[index](x), run)[0]
        return outputs

    def grads(self, loss: Tensor) -> list[Tensor]:
        every = [zero for index in sorted(self.zeros) for zero in self.zeros[index]]
        found = torch.autograd.grad(loss, every, retain_graph=True, allow_unused=True)
        found = [torch.zeros_like(a) if g is None else g for a, g in zip(every, found, strict=True)]
        steps = len(self.zeros[0])
        return [torch.stack(found[at : at + steps]) for at in range(0, len(found), steps)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", list(CELLS))
def test_hidden_states_gates_and_gradients_equal_autograd(kind, cell):
    trainer = trainer_of(kind, cell)
    if trainer is None:
        return
    inputs, targets, _ = trainer.task.batch(0)
    inputs, targets = inputs.double(), targets.double() if targets.is_floating_point() else targets
    with rnncore.probe(trainer.model) as probe:
        trainer.task.loss(trainer.model(inputs)[0], targets).backward()
    oracle = Stepped(trainer.model)
    loss = trainer.task.loss(oracle(inputs), targets)
    for index, wanted in enumerate(oracle.grads(loss)):
        trace = probe[f"layers.{index}"].layers[0].forward
        assert relative(trace.grad_hidden, wanted) <= 1e-9
        assert float(wanted.abs().max()) > 0
        assert list(trace.gates) == [gate.name for gate in CELLS[cell].gates]
        for gate in CELLS[cell].gates:
            assert trace.gates[gate.name].shape == trace.hidden.shape
            assert not gate.sigmoid or ((trace.gates[gate.name] >= 0) & (trace.gates[gate.name] <= 1)).all()


@pytest.mark.parametrize("cell", ["gru", "lstm", "peephole", "mingru"])
@pytest.mark.parametrize("wiring", [
    {"residual": True, "num_layers": 3}, {"residual": True, "num_layers": 3, "dropout": 0.3}, {"readout_layers": 3},
], ids=str)  # fmt: skip
def test_the_last_steps_loss_the_matrix_and_attribution_go_through_every_wiring(cell, wiring):
    trainer = trainer_of("sentiment", cell, **wiring)
    assert trainer is not None
    model = trainer.model
    model.train()
    inputs = torch.randn(6, 2, trainer.task.input_size or 0, dtype=torch.float64)
    targets = torch.randint(2, (6, 2))

    def each(outputs: Tensor) -> Tensor:
        return nn.functional.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="none").view(6, 2).sum(1)

    with model.same_dropout(6, 2):
        with rnncore.probe(model) as probe:
            each(model(inputs)[0]).sum().backward()
        masks = model.dropout_masks
        oracle = Stepped(model)
        outputs = oracle(inputs)
        losses = each(outputs)
        stack = [probe[f"layers.{index}"].layers[0] for index in range(len(model.layers))]
        last = last_loss(stack, masks, model.residual)
        for one, wanted in zip(last, oracle.grads(losses[-1]), strict=True):
            assert relative(one.grad_hidden, wanted) <= 1e-9
        record = per_loss_matrix(stack, masks=masks, residual=model.residual)
        assert record.sum_error <= 1e-9
        for t in range(6):
            for index, wanted in enumerate(oracle.grads(losses[t])):
                norms = wanted.norm(dim=-1).square().mean(-1).sqrt()
                assert torch.allclose(torch.from_numpy(record.hidden[index][t]).double(), norms, rtol=1e-6, atol=1e-12)
        layers = [layer.forward for layer in stack]
        read = read_by_readout(layers, masks, model.residual)
        assert relative(model.readout(read).detach(), outputs.detach()) <= 1e-12
        direct, _ = through_readout(model.readout, read, targets)
        found = attribution(layers, direct, masks=masks, residual=model.residual)
    given = inputs.clone().requires_grad_()
    with model.same_dropout(6, 2):
        for dropout, mask in zip(model.dropouts, masks, strict=True):
            dropout.mask = mask
        logits = model(given)[0]
    for t in range(6):
        (wanted,) = torch.autograd.grad(logits[t].gather(-1, targets[t][:, None]).sum(), given, retain_graph=True)
        assert relative(found[t], wanted.norm(dim=-1)) <= 1e-9


@pytest.mark.parametrize("layers", [1, 2])
def test_a_network_of_both_directions_gives_a_row_for_each(layers):
    """What arrives at the inputs of the lowest layer is what both directions of all layers hand down."""
    trainer = trainer_of("both_ways", "lstm", bidirectional=True, num_layers=layers)
    assert trainer is not None
    inputs, targets, _ = trainer.task.batch(0)
    given = inputs.double().requires_grad_()
    with rnncore.probe(trainer.model) as probe:
        outputs = trainer.model(given)[0]
        trainer.task.loss(outputs, targets).backward()
    assert relative(probe["layers.0"].layers[0].grad_input, given.grad) <= 1e-10
    assert len(trainer.config.model.layer_names) == 2 * layers
    stack = [probe[f"layers.{index}"].layers[0] for index in range(layers)]
    found = last_loss(stack, trainer.model.dropout_masks)
    assert len(found) == 2 * layers
    given = inputs.double().requires_grad_()
    only = torch.full_like(targets, -100)
    only[-1] = targets[-1]
    count = (targets != -100).sum() / (only != -100).sum()
    loss = trainer.task.loss(trainer.model(given)[0], only) / count
    loss.backward()
    at_input = sum(
        stack[0].directions[way].backward(_direct_of(found, stack, way, layers)).grad_input for way in range(2)
    )
    assert relative(at_input, given.grad) <= 1e-9


def _direct_of(found: Any, stack: Any, way: int, layers: int) -> Tensor:
    """What the last step's loss gives the lowest layer's output directly, in one direction."""
    if layers == 1:
        direct = torch.zeros_like(stack[0].directions[way].grad_output)
        direct[-1] = stack[0].directions[way].grad_output[-1]
        return direct
    top = torch.cat([trace.grad_output for trace in stack[-1].directions], -1)
    only = torch.zeros_like(top)
    only[-1] = top[-1]
    below = stack[-1].backward(only).grad_input
    size = below.shape[-1] // 2
    return below[..., way * size : (way + 1) * size]
