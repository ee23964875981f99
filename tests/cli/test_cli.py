"""Claims about the command line: what it does, what it says, and with which exit code it ends."""

import json
import re
import shlex
import signal
import subprocess
import sys
import time

import click
import numpy as np
import pytest

from rnncore.cli import cli
from rnncore.config import RunConfig
from rnncore.runs.here import begin_here

SMALL = ("task=parity", "hidden_size=8", "sequence_length=6", "test_length=12", "batch_size=4")


def every(command, path=()):
    """Each command with its path, groups and what is in them."""
    yield path, command
    for name, inner in inside(command).items():
        yield from every(inner, (*path, name))


def inside(command):
    """The commands of a group, by name; none of any other command."""
    if not isinstance(command, click.Group):
        return {}
    context = click.Context(command)
    return {name: command.get_command(context, name) for name in command.list_commands(context)}


COMMANDS = [pytest.param(path, command, id=" ".join(path) or "rnncore") for path, command in every(cli)]


@pytest.mark.parametrize(("path", "command"), COMMANDS)
def test_every_help_shows_examples_and_each_of_them_is_understood(call, path, command):
    help = call(*path, "--help")
    assert help.exit_code == 0
    examples = re.findall(r"^ +python -m rnncore (.*)$", help.stdout, re.M)
    assert examples
    for example in examples:
        inner, words = cli, shlex.split(example.partition("|")[0])
        while words and words[0] in inside(inner):
            inner, words = inside(inner)[words[0]], words[1:]
        inner.make_context("example", words)  # raises for an option that there is not


def test_a_training_ends_with_one_line_that_says_how(lines, store):
    (said,) = lines("train", *SMALL, "steps=20")
    run = store.get(said["run"])
    assert (said["state"], said["step"], run.state, run.step) == ("finished", 20, "finished", 20)
    assert said["config"] == json.loads(run.config.to_json())
    validation = store.series(run.id, "validation")["loss"][-1]
    assert said["validation_loss"] == pytest.approx(validation / np.log(2), rel=1e-6)
    assert said["score"] == pytest.approx(store.series(run.id, "score")["score"][-1])


def test_the_bar_tells_steps_rate_time_left_and_the_last_loss(call, store):
    done = call("train", *SMALL, "steps=20")
    assert done.exit_code == 0
    assert "20/20" in done.stderr
    assert re.search(r"[\d.]+ steps/s 0:00:00 [\d.]+ bits per answer", done.stderr)
    assert "finished" in done.stderr
    assert not done.stdout


def test_each_refused_setting_has_its_sentence(call, store):
    done = call("train", "lr=-1", "hiden_size=8")
    assert done.exit_code == 2
    assert "hiden_size is not a setting" in done.stderr
    done = call("train", "lr=-1")
    assert done.exit_code == 2
    assert "lr must be" in done.stderr
    assert call("train", "lr").exit_code == call("train", "--config", "none.json").exit_code == 2
    assert store.runs() == []


def test_a_run_that_diverges_exits_with_1(call):
    done = call("train", "task=henon", "optimizer=sgd", "lr=100", "clip_norm=off", "steps=50", "hidden_size=8")
    assert done.exit_code == 1
    assert "diverged" in done.stderr


@pytest.fixture
def training(store):
    """Trains without an end in a process of its own, seen in the store from its first steps on."""
    command = [sys.executable, "-m", "rnncore", "train", *SMALL, "steps=100000", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            while not ((runs := store.runs()) and runs[0].state == "running" and runs[0].step > 20):
                assert process.poll() is None
                time.sleep(0.1)
            yield process, runs[0].id
        finally:
            process.kill()


def test_ctrl_c_keeps_what_was_done_and_the_run_goes_on_from_there(store, lines, call, training):
    process, run_id = training
    process.send_signal(signal.SIGINT)
    out, problems = process.communicate(timeout=60)
    said = json.loads(out)
    assert (process.returncode, said["run"], said["state"], problems) == (130, run_id, "stopped", "")
    assert store.checkpoint_steps(run_id)[-1] == said["step"] == store.last_step(run_id, "train") > 20

    (waiting,) = lines("runs", "resume", run_id, "--queue")
    assert waiting["state"] == "queued"
    assert call("runs", "stop", run_id).exit_code == 0
    assert store.get(run_id).state == "stopped"


def test_a_second_ctrl_c_leaves_at_once_and_the_run_can_be_resumed(store, training):
    process, run_id = training
    with store.transaction():  # nobody else can write: the first Ctrl-C cannot take effect before the second
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    out, problems = process.communicate(timeout=60)
    assert (process.returncode, out, problems) == (130, "", "")
    run = store.get(run_id)
    assert run.state == "interrupted"
    assert "Ctrl-C" in run.reason
    assert store.requeue(run_id).state == "queued"


def test_a_run_whose_process_was_killed_is_known_as_interrupted(store, lines, training):
    process, run_id = training
    assert [run["state"] for run in lines("runs")] == ["running"]
    process.kill()
    process.wait()
    assert store.get(run_id).state == "running"
    assert [(run["run"], run["state"]) for run in lines("runs", "--state", "interrupted")] == [(run_id, "interrupted")]


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["runs"], ["runs", "--json"], ["settings"]])
def test_what_trains_nothing_never_imports_torch(words):
    code = f"""import sys
from rnncore.cli import cli
cli({words!r}, standalone_mode=False)
sys.exit("torch" in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_a_resumed_run_goes_on_in_this_process_to_its_end(store, lines, call):
    run = begin_here(store, RunConfig.from_flat(dict(one.split("=") for one in (*SMALL, "steps=15"))))
    assert call("runs", "resume", run.id).exit_code == 2  # somebody has it in hand
    store.set_state(run.id, "interrupted")
    (said,) = lines("runs", "resume", run.id)
    assert (said["state"], said["step"]) == ("finished", 15)
    refused = call("runs", "resume", run.id)
    assert refused.exit_code == 2
    assert "cannot be resumed" in refused.stderr


@pytest.fixture
def three(store):
    """Three runs, the oldest first."""
    given = ({"task": "parity", "cell": "lstm", "name": "[red]first"}, {"cell": "gru"}, {"task": "henon"})
    made = [store.create(RunConfig.of(**values)) for values in given]
    store.set_state(made[1].id, "stopped", "so it was wished")
    store.note(made[2].id, "A note with Wörtern")
    store.tag(made[0].id, ["Figure 2"])
    return [run.id for run in made]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], [2, 1, 0]),
        (["--limit", "2"], [2, 1]),
        (["--state", "stopped"], [1]),
        (["--state", "stopped", "--state", "queued", "--cell", "lstm"], [2, 0]),
        (["--task", "parity"], [0]),
        (["--search", "wörtern NOTE"], [2]),
        (["--search", "wörtern first"], []),
        (["--task", "parity", "--limit", "1"], [0]),
        (["--tag", "figure 2"], [0]),
        (["--tag", "figure"], []),
    ],
)
def test_the_list_holds_what_was_asked_for_newest_first(lines, three, words, expected):
    assert [run["run"] for run in lines("runs", *words)] == [three[place] for place in expected]


def test_the_list_shows_names_as_they_stand_and_in_full(call, three):
    done = call("runs")
    assert "[red]first" in done.stdout
    assert "so it was wished" in done.stdout
    assert call("runs", "--search", "nothing has that").stdout == ""


def test_a_run_is_shown_with_what_is_kept_of_it(call, lines, store, three):
    store.append(three[0], "train", {"step": np.array([1, 7]), "loss": np.ones(2)})
    (said,) = lines("runs", "show", three[0])
    assert said["series"] == {"train": 7}
    assert "train to step 7" in call("runs", "show", three[0]).stdout


def test_tags_are_given_and_taken_away(lines, store, three):
    (said,) = lines("runs", "tag", three[0], "paper", " Figure  2 ")
    assert said["tags"] == ["Figure 2", "paper"]
    lines("runs", "tag", three[0], "figure 2", "--remove")
    assert store.get(three[0]).tags == ("paper",)


def test_a_failed_run_shows_where_it_failed(call, store, three):
    claimed = store.claim("1:1", "host", three[0])
    store.fail(claimed.id, claimed.attempt, "it broke", "Traceback: line one\n  line two")
    assert "line two" in call("runs", "show", three[0]).stdout


def test_what_cannot_be_done_is_said_and_exits_with_2(call, three, store):
    for words in (
        ["show", "nosuch"],
        ["stop", "nosuch"],
        ["resume", "nosuch"],
        ["delete", "nosuch", "--yes"],
        ["tag", "nosuch", "one"],
    ):
        done = call("runs", *words)
        assert done.exit_code == 2
        assert "'nosuch'" in done.stderr
    assert call("runs", "--json", "show", three[0]).exit_code == 2  # an option of the list
    assert call("runs", "--state", "gone").exit_code == call("nonsense").exit_code == 2


def test_deleting_must_be_confirmed(call, store, three):
    refused = call("runs", "delete", three[0])
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    assert len(store.runs()) == 3
    assert call("runs", "delete", three[0], "--yes").exit_code == 0
    assert [*map(json.loads, call("runs", "delete", three[1], "--yes", "--json").stdout.splitlines())] == [
        {"run": three[1], "deleted": True}
    ]
    assert [run.id for run in store.runs()] == [three[2]]
    store.set_state(three[2], "running")
    refused = call("runs", "delete", three[2], "--yes")
    assert refused.exit_code == 2
    assert "stop it before deleting it" in refused.stderr
