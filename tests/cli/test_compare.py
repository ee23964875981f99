"""Claims about ``compare``: what it prints, how it stops and goes on, and with which exit code it ends."""

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from rnncore.comparison import RACES, Race
from rnncore.config import RunConfig
from rnncore.runs.races import Races

TINY = ("task=delayed_recall", "sequence_length=5", "test_length=5", "hidden_size=8", "--workers", "2")
TWO = ("--contender", "cell=lstm", "--contender", "cell=gru lr=0.003", "--seeds", "1")
COMMAND = [sys.executable, "-m", "rnncore", "compare"]


def compare(*words):
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False, timeout=60)


def test_a_race_ends_with_one_document_that_says_who_did_what(store):
    done = compare(*TINY, "steps=30", *TWO, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    race = Races(store).get(said["race"])
    assert race.over
    assert [one["label"] for one in said["contenders"]] == ["LSTM", "GRU · lr 0.003"]
    assert [(one["run"], one["state"], one["step"]) for one in said["runs"]] == [
        (run.id, "finished", 30) for run in race.runs
    ]
    for row, run in zip(said["contenders"], race.runs, strict=True):
        last = store.series(run.id, "score")["score"][-1]
        assert row["score"] == pytest.approx(last)
        assert (row["seeds"], row["parameters"], row["low"]) == (1, run.parameters, None)
        assert row["seconds_per_step"] > 0
    assert "No winner is named" in said["verdict"][0]

    store.set_state(race.runs[0].id, "diverged", "so it was wished")
    again = compare("--resume", race.id)
    assert again.returncode == 0
    assert "LSTM: 1 seed diverged and counts as knowing nothing." in again.stdout


@contextlib.contextmanager
def started(store, *words, runs=1):
    """The command, with a run (or several) under way."""
    with subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            while sum(run.step > 20 for run in store.runs()) < runs:
                assert process.poll() is None
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


def test_ctrl_c_keeps_what_was_done_and_the_race_goes_on_from_there(store):
    alone = store.create(RunConfig.of(task="parity"))
    with started(store, *TINY[:-1], "1", "steps=600", *TWO, "--json") as process:
        process.send_signal(signal.SIGINT)
        out, problems = process.communicate(timeout=60)
    assert (process.returncode, problems) == (130, "")
    said = json.loads(out)
    race = Races(store).get(said["race"])
    assert race.paused
    assert not any(run.active for run in race.runs)
    assert [one["step"] for one in said["runs"]] == [run.step for run in race.runs]
    assert race.runs[0].step > 20

    done = compare("--resume", race.id, "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert [(run.state, run.step) for run in Races(store).get(race.id).runs] == [("finished", 600)] * 2
    assert "GRU · lr 0.003" in done.stdout
    assert store.get(alone.id).state == "queued"  # not of the race


def test_a_second_ctrl_c_leaves_while_another_program_holds_the_stores_lock(store):
    with started(store, *TINY, "steps=100000", *TWO, "--json", runs=2) as process:
        other = sqlite3.connect(str(store.url.database), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with contextlib.closing(other):
            process.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):  # it waits for the lock, to pause the race
                process.wait(timeout=1.5)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=2.5) == 130  # much less than it would wait for the lock
    for run in store.runs():
        while store.get(run.id).active:  # its worker saves, and ends
            time.sleep(0.1)
        assert store.checkpoint_steps(run.id)


def test_a_failed_run_is_said_and_exits_with_1_and_the_others_finish(store):
    wanted = Race.of("One is damaged", {"task": "parity", "steps": 30}, [{"cell": "lstm"}, {"cell": "gru"}], 1)
    race = Races(store).create(wanted.name, wanted.to_json(), wanted.runs())
    store.save_checkpoint(race.runs[0].id, 3, b"damaged")
    done = compare("--resume", race.id)
    assert done.returncode == 1
    assert f"{race.runs[0].id} LSTM failed: " in done.stderr
    assert [run.state for run in Races(store).get(race.id).runs] == ["failed", "finished"]


def only_asked(call, store, monkeypatch, *words):
    """The race that the command line asks for; nothing is trained."""

    def enough(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("rnncore.cli.compare._run", enough)
    assert call("compare", *words).exit_code == 130
    return Race.from_json(Races(store).get(Races(store).all()[0].id).document)


def test_a_preset_is_completed_by_what_is_said_beside_it(call, store, monkeypatch):
    race = only_asked(call, store, monkeypatch, "parity", "steps=7", "--seeds", "2", "--name", "Mine")
    preset = next(one.race for one in RACES if one.key == "parity")
    assert (race.name, race.seeds, race.judged_by) == ("Mine", (1, 2), "longer")
    assert race.base == preset.base | {"steps": "7"}
    assert race.contenders == preset.contenders
    assert len(store.runs()) == 6


def test_a_sweep_has_every_combination(call, store, monkeypatch):
    words = ("task=adding", "--sweep", "lr=0.001,0.01", "--sweep", "cell=lstm,gru", "--seeds", "1")
    race = only_asked(call, store, monkeypatch, *words)
    assert {(one.training.lr, one.model.cell) for one in race.configs} == {
        (0.001, "lstm"), (0.001, "gru"), (0.01, "lstm"), (0.01, "gru")}  # fmt: skip
    assert race.axes == {"lr": ("0.001", "0.01"), "cell": ("lstm", "gru")}


def test_match_and_longer_and_a_file_say_what_is_compared(call, store, monkeypatch, tmp_path):
    words = ("task=parity", *TWO, "--match", "parameters", "--longer")
    race = only_asked(call, store, monkeypatch, *words)
    assert race.judged_by == "longer"
    lstm, gru = race.configs
    assert race.parameters(gru) == pytest.approx(race.parameters(lstm), rel=0.02)
    assert gru.model.hidden_size > lstm.model.hidden_size

    file = tmp_path / "race.json"
    file.write_text(race.to_json())
    assert only_asked(call, store, monkeypatch, "--race", file) == race
    assert only_asked(call, store, monkeypatch, "--race", file, "--seeds", "2").seeds == (1, 2)
    file.write_text("{")
    assert "the race is not JSON" in call("compare", "--race", file).stderr


def test_longer_is_refused_where_nothing_longer_is_tested(call, store):
    done = call("compare", "task=text", "--contender", "cell=lstm", "--contender", "cell=gru", "--longer")
    assert (done.exit_code, store.runs()) == (2, [])
    assert "--longer needs a task that is tested on longer sequences" in " ".join(done.stderr.split())


def test_the_help_names_every_preset(call):
    said = "".join(call("compare", "--help").stdout.split())  # its lines break at hyphens too
    assert f"PRESETisoneof{','.join(one.key for one in RACES)}." in said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nonsense"], "a preset must be one of"),
        (["delayed-recall", "hiden_size=8"], "hiden_size is not a setting"),
        (["delayed-recall", "seed=8"], "use --seeds"),
        (["task=parity", "--contender", "cell=lstm"], "contenders must be 2 to"),
        (["task=parity"], "a race needs a preset"),
        (["--race", "none.json"], "cannot be read"),
        (["--resume", "nosuch"], "no race 'nosuch'"),
        (["--resume", "nosuch", "steps=3"], "leave out"),
    ],
)
def test_what_is_refused_is_said_and_exits_with_2(call, store, words, sentence):
    done = call("compare", *words, "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert sentence in " ".join(done.stderr.split())
    assert store.runs() == []


def test_a_refusal_of_the_real_command_exits_with_2():
    done = compare("delayed-recall", "lr=-1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "lr must be" in done.stderr


def test_the_help_never_imports_torch():
    code = "import sys; from rnncore.cli import cli; cli(['compare', '--help'], standalone_mode=False)"
    code += "; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False).returncode == 0
