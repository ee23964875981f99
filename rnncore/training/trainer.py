"""One training run: model, optimiser, data position and carried state, advanced a step at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from rnncore.config import RunConfig
from rnncore.errors import CheckpointError, ConfigError
from rnncore.models.sequence import SequenceModel, State, detach, flatten, unflatten
from rnncore.records import LengthScores
from rnncore.tasks import make_task
from rnncore.tasks.base import Task, scored
from rnncore.tasks.drawn import DrawnTask
from rnncore.training.checkpoint import Checkpoint
from rnncore.training.controls import Controls
from rnncore.training.events import Event, Fed, Finished, Measured, Saved, Scored, Started, Step, Validation
from rnncore.training.measuring import Budget, Measure, due_measures
from rnncore.training.scheduled_sampling import ScheduledSampler

CHECKPOINT_SECONDS = 10.0
CHECKPOINT_SHARE = 0.01  # a large model is saved less often, so that saving takes a hundredth of the time
VALIDATION_SHARE = 0.17  # of the measuring budget; a fifth of the budget is left for writing records
EXAMINATION_SHARE = 0.15  # where there is one: no sample is written there, and none is measured


class Trainer:
    """Trains one configuration. Everything random comes from generators of its own, keyed by the seed.

    Attributes:
        step: completed training steps.
        seconds: training time in seconds; time that the caller spends between events is not in it.
        model, optimizer, task, state: what is trained, how, on what, and the carried hidden state.
        inputs, targets: the present batch, (T, B) or (T, B, D); the inputs as they were fed.
        score: the task's own measure at the last validation; nan for none.
        loss: of the present batch, in the task's unit (nats per character for text).
        sampler: decides what is fed in scheduled sampling; None for teacher forcing.
    """

    def __init__(self, config: RunConfig, text: str | None = None, resume: Checkpoint | None = None):
        self.config = config
        self.device = _device(config.training.device)
        self.task: Task = make_task(config, text)
        generator = torch.Generator().manual_seed(config.seed)
        self.model = SequenceModel(
            config.model,
            self.task.output_size,
            self.task.sequence_length,
            generator,
            self.task.input_size,
            getattr(config.task, "picture", None),
            getattr(config.task, "wraps", False),
        ).to(self.device)
        self.model.seed_dropout(torch.Generator(self.device).manual_seed(config.seed + 1))
        self.optimizer = make_optimizer(config, self.model)
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.clip_norm = config.training.clip_norm
        self.state: State | None = None
        self.step, self.seconds, self.loss, self.score = 0, 0.0, math.nan, math.nan
        self.inputs = self.targets = torch.empty(0, dtype=torch.long)
        forced = config.scheduled_sampling.teacher_forcing
        self.sampler = None if forced else ScheduledSampler(config, self.model, self.task)
        if resume is not None:
            self._restore(resume)

    @property
    def lr(self) -> float:
        """The learning rate in force."""
        return float(self.optimizer.param_groups[0]["lr"])

    @property
    def parameter_count(self) -> int:
        """Trainable numbers."""
        return sum(parameter.numel() for parameter in self.parameters)

    @property
    def positions(self) -> int:
        """Answers asked for in the present batch, mostly T·B: the loss is a mean over so many."""
        return int(scored(self.targets).sum())

    def advance(self, watching: AbstractContextManager[Any] | None = None) -> Step | None:
        """One training step, forward and backward pass inside ``watching``.

        Returns None where loss or gradient stopped being finite; the weights then stay as they were.
        """
        inputs, targets, reset = self.task.batch(self.step)
        truth, self.targets = inputs.to(self.device), targets.to(self.device)
        before = None if reset or not self.task.stateful else self.state
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        mixing = nullcontext(truth) if self.sampler is None else self.sampler.mixing(self.step, truth, before)
        with mixing as self.inputs, watching or nullcontext():
            outputs, after = self.model(self.inputs, before)
            loss = self.task.loss(outputs, self.targets)
            loss.backward()
        if self.clip_norm is None:
            norm = nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None])
        else:
            norm = nn.utils.clip_grad_norm_(self.parameters, self.clip_norm)
        self.loss, grad_norm = loss.item(), norm.item()
        if not (math.isfinite(self.loss) and math.isfinite(grad_norm)):
            return None
        self.optimizer.step()
        self.state = detach(after)
        if self.sampler is not None:
            self.sampler.previous = outputs[-1].detach()
        self.step += 1
        clip_norm = math.nan if self.clip_norm is None else self.clip_norm
        return Step(self.step, self.seconds, self.loss, grad_norm, clip_norm, self.lr)

    @torch.no_grad()
    def validate(self) -> float:
        """Mean loss on what is never trained on, in the task's unit, under teacher forcing; the state is carried.

        It notes the ``score`` on the same data, where the task has one.
        """
        self.model.eval()
        total, count, scores = 0.0, 0, []
        state: State | None = None
        for inputs, targets in self.task.validation_batches():
            outputs, state = self.model(inputs.to(self.device), state)
            asked = int(scored(targets).sum())
            total += self.task.loss(outputs, targets.to(self.device)).item() * asked
            count += asked
            if isinstance(self.task, DrawnTask):
                scores.append(self.task.scores(inputs, outputs.cpu(), targets))
        self.score = float(torch.cat(scores).mean()) if scores else math.nan
        return total / count

    @torch.no_grad()
    def examine(self, task: DrawnTask) -> LengthScores:
        """The task's own measure by length, beside the ``score`` of the last validation."""
        self.model.eval()
        found = []
        for exam in task.exams:
            outputs, _ = self.model(exam.inputs.to(self.device))
            found.append(task.scores(exam.inputs, outputs.cpu(), exam.targets).numpy())
        lengths = np.concatenate([exam.lengths for exam in task.exams])
        return LengthScores.of(lengths, np.concatenate(found), step=self.step, score=self.score, trained=task.longest)

    def apply(self, controls: Controls) -> None:
        """Carry out requested changes of lr and clip_norm."""
        changes, controls.changes = controls.changes, {}
        if (lr := changes.get("lr")) is not None:
            for group in self.optimizer.param_groups:
                group["lr"] = lr
        if "clip_norm" in changes:
            self.clip_norm = changes["clip_norm"]

    def checkpoint(self) -> Checkpoint:
        """All that a resumed run needs, copied: training may go on at once."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for index, entries in self.optimizer.state_dict()["state"].items():
            tensors |= {
                f"optimizer.{index}.{name}": value for name, value in entries.items() if isinstance(value, Tensor)
            }
        tensors |= {f"state.{name}": value for name, value in flatten(self.state).items()}
        if self.sampler is not None and self.sampler.previous is not None:
            tensors["sampler.previous"] = self.sampler.previous
        tensors["generator.dropout"] = self.model.dropout_generator.get_state()
        meta = {
            "config": self.config.model_dump(mode="json"),
            "seconds": self.seconds,
            "lr": self.lr,
            "clip_norm": self.clip_norm,
            "text_sha256": self.task.digest,
        }
        copies = {name: value.detach().cpu().clone() for name, value in tensors.items()}
        return Checkpoint(self.step, meta, copies)

    def _restore(self, saved: Checkpoint) -> None:
        if saved.meta.get("text_sha256") != self.task.digest:
            held = f"corpus {self.config.corpus!r}" if self.config.corpus is not None else self.config.task.title
            raise CheckpointError(
                f"the checkpoint of step {saved.step} was trained on another text than {held} holds now; start a new "
                "run, or bring back that text"
            )
        groups: dict[str, dict[str, Tensor]] = {}
        for name, tensor in saved.tensors.items():
            group, _, rest = name.partition(".")
            groups.setdefault(group, {})[rest] = tensor
        try:
            self.model.load_state_dict(groups["model"])
        except (RuntimeError, KeyError) as error:
            raise CheckpointError(
                f"the checkpoint of step {saved.step} does not fit the configuration "
                f"({str(error).splitlines()[-1].strip()}); resume it with the configuration it was made with"
            ) from None
        entries: dict[int, dict[str, Tensor]] = {}
        for name, tensor in groups.get("optimizer", {}).items():
            index, _, entry = name.partition(".")
            entries.setdefault(int(index), {})[entry] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": entries})
        named = {name: tensor.to(self.device) for name, tensor in groups.get("state", {}).items()}
        self.state = unflatten(named)
        if self.sampler is not None and "sampler" in groups:
            self.sampler.previous = groups["sampler"]["previous"].to(self.device)
        self.model.dropout_generator.set_state(groups["generator"]["dropout"])
        self.step, self.seconds = saved.step, float(saved.meta["seconds"])
        self.clip_norm = saved.meta["clip_norm"]
        for group_ in self.optimizer.param_groups:
            group_["lr"] = saved.meta["lr"]

    def events(self, controls: Controls, measures: Sequence[Measure]) -> Iterator[Event]:
        """Train to the end, saying what happens."""
        return _Loop(self, controls, measures).events()


class _Loop:
    """The order of things within a run: control, step, measure, validate, save."""

    def __init__(self, trainer: Trainer, controls: Controls, measures: Sequence[Measure]):
        self.trainer, self.controls, self.measures = trainer, controls, measures
        self.budget = Budget(trainer.config.watch.budget)
        self.next_checkpoint = trainer.seconds + CHECKPOINT_SECONDS
        self.mark = time.perf_counter()

    def events(self) -> Iterator[Event]:
        trainer, last = self.trainer, self.trainer.config.training.steps
        yield Started(trainer.step, trainer.parameter_count, trainer.task.output_size, str(trainer.device))
        if trainer.step == 0:
            yield Saved(0, trainer.checkpoint())
        self.mark = time.perf_counter()
        while trainer.step < last and not self.controls.stopping:
            trainer.apply(self.controls)
            if self.controls.wants_checkpoint:
                self.controls.wants_checkpoint = False
                yield from self._paused(Saved(trainer.step, trainer.checkpoint()))
            before = self._tick()
            due = due_measures(self.measures, self.budget, trainer.step + 1, before)
            wanted = self.controls.wants_measures or (trainer.step + 1 == last and self.budget.fraction > 0)
            if wanted:  # the last step too: a finished run has one of each
                self.controls.wants_measures, due = False, list(self.measures)
            watching = _Watching(due, trainer)
            step = trainer.advance(watching)
            if step is None:
                self._tick()
                yield Finished(trainer.step, "diverged", _divergence(trainer))
                return
            yield from self._paused(step._replace(seconds=self._tick()))
            if trainer.sampler is not None and (fed := trainer.sampler.last) is not None:
                yield Fed(trainer.step, fed.epsilon, fed.fraction, fed.count, fed.seconds)
            for measure in due:
                yield from self._measure(measure, watching.opened[measure.name])
            yield from self._validate()
            if trainer.seconds >= self.next_checkpoint:
                yield from self._save()
        yield Saved(trainer.step, trainer.checkpoint())
        if trainer.step >= last:
            yield Finished(trainer.step, "finished", f"all {last:,} steps are done")
        else:
            yield Finished(trainer.step, "stopped", f"stopped at step {trainer.step:,}")

    def _tick(self) -> float:
        """Add the time since the last tick to the run's clock; the run's seconds."""
        now = time.perf_counter()
        self.trainer.seconds += now - self.mark
        self.mark = now
        return self.trainer.seconds

    def _paused(self, event: Event) -> Iterator[Event]:
        """Yield with the run's clock stopped: the caller may take any time."""
        self._tick()
        yield event
        self.mark = time.perf_counter()

    def _measure(self, measure: Measure, opened: Any) -> Iterator[Event]:
        start = time.perf_counter()
        records = list(measure.records(self.trainer, opened))
        cost = time.perf_counter() - start + getattr(opened, "seconds", 0.0)
        self.budget.book(measure.name, cost, self._tick())
        for record in records:
            yield from self._paused(Measured(self.trainer.step, record))

    def _validate(self) -> Iterator[Event]:
        trainer, task = self.trainer, self.trainer.task
        ends = trainer.step in (1, trainer.config.training.steps) and self.budget.fraction > 0
        if not (ends or self.budget.due("validation", VALIDATION_SHARE, trainer.seconds)):
            return
        start = time.perf_counter()
        loss = trainer.validate()
        self.budget.book("validation", time.perf_counter() - start, self._tick())
        yield from self._paused(Validation(trainer.step, trainer.seconds, loss))
        if not isinstance(task, DrawnTask):
            return
        scores = None
        if ends or self.budget.due("examination", EXAMINATION_SHARE, trainer.seconds):
            start = time.perf_counter()
            scores = trainer.examine(task)
            self.budget.book("examination", time.perf_counter() - start, self._tick())
            yield from self._paused(Measured(trainer.step, scores))
        longer = math.nan if scores is None else scores.score_longer
        yield from self._paused(Scored(trainer.step, trainer.seconds, trainer.score, longer))

    def _save(self) -> Iterator[Event]:
        start = time.perf_counter()
        saved = Saved(self.trainer.step, self.trainer.checkpoint())
        yield from self._paused(saved)
        cost = time.perf_counter() - start  # the caller's writing included
        self.next_checkpoint = self.trainer.seconds + max(CHECKPOINT_SECONDS, cost / CHECKPOINT_SHARE)


class _Watching(ExitStack):
    """The contexts of all measures whose turn it is, and what each gave."""

    def __init__(self, due: Sequence[Measure], trainer: Trainer):
        super().__init__()
        self.due, self.trainer = due, trainer
        self.opened: dict[str, Any] = {}

    def __enter__(self) -> Self:
        for measure in self.due:
            self.opened[measure.name] = self.enter_context(measure.around(self.trainer))
        return self


def make_optimizer(config: RunConfig, model: nn.Module) -> torch.optim.Optimizer:
    """The configured optimiser; fused where torch has it, which saves a tenth of a small model's step."""
    training, parameters = config.training, list(model.parameters())
    decay = training.weight_decay
    match training.optimizer:
        case "adam":
            return torch.optim.Adam(parameters, lr=training.lr, weight_decay=decay, fused=True)
        case "adamw":
            return torch.optim.AdamW(parameters, lr=training.lr, weight_decay=decay, fused=True)
        case "sgd":
            return torch.optim.SGD(
                parameters, lr=training.lr, momentum=training.momentum, weight_decay=decay, fused=True
            )
        case "rmsprop":
            return torch.optim.RMSprop(parameters, lr=training.lr, momentum=training.momentum, weight_decay=decay)


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device must be available, got 'cuda' on a machine without it; use 'cpu' or 'auto'")
    return torch.device(name)


def _divergence(trainer: Trainer) -> str:
    """Where the numbers stopped being finite, in words."""
    where = next(
        (
            f", first in the gradient of {name}"
            for name, parameter in trainer.model.named_parameters()
            if parameter.grad is not None and not bool(torch.isfinite(parameter.grad).all())
        ),
        "",
    )
    what = "the loss" if not math.isfinite(trainer.loss) else "the gradient norm"
    return f"diverged at step {trainer.step + 1:,}: {what} is no longer finite{where}"
