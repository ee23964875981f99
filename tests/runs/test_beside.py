"""Claims about the work beside a run: counted once, by a process of its own, and each record told once."""

from __future__ import annotations

import gc
import io
import json
import subprocess
import sys
import time
import warnings

import psutil
import pytest

from rnncore.config import RunConfig
from rnncore.generation.quality import kept
from rnncore.runs import beside
from rnncore.tasks.baselines import cached_baselines, find_baselines
from rnncore.tasks.disk import digest_of

TEXT = "to be, or not to be: that is the question:\n" * 40 + "whether 'tis nobler in the mind to suffer\n" * 40
CONFIG = RunConfig.of(validation_fraction=0.2)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNCORE_CACHE", str(tmp_path))
    return tmp_path


def all_told(ask: beside.Ask, seconds: float = 30.0) -> list[str]:
    """The kinds of records in the order in which they come, until two have come or the time is over."""
    found: list[str] = []
    deadline = time.monotonic() + seconds
    while len(found) < 2 and time.monotonic() < deadline:
        if (record := ask()) is not None:
            found.append(record.kind)
        time.sleep(0.02)
    return found


def test_a_process_of_its_own_counts_and_each_record_is_told_once(monkeypatch):
    started, start = [], beside._start
    monkeypatch.setattr(beside, "_start", lambda job: started.append(start(job)) or started[-1])
    ask = beside.counted_beside(CONFIG, TEXT)
    assert all_told(ask) == ["baselines", "quality_levels"]
    assert ask() is None
    assert [process.wait(30) for process in started] == [0]
    assert kept.is_kept(digest_of(TEXT), 0.2)


def test_what_is_known_is_told_at_once_and_without_a_process(monkeypatch):
    cached_baselines(TEXT, 0.2)
    kept.build(TEXT, 0.2)
    monkeypatch.setattr(beside, "_start", None)
    ask = beside.counted_beside(CONFIG, TEXT)
    first, second, third = ask(), ask(), ask()
    assert (first.kind, second.kind, third) == ("baselines", "quality_levels", None)


def test_a_process_that_ends_without_a_result_is_not_waited_for(monkeypatch):
    class Ended:
        def poll(self) -> int:
            return 2

    monkeypatch.setattr(beside, "_start", lambda job: Ended())
    ask = beside.counted_beside(CONFIG, TEXT)
    assert ask() is None
    cached_baselines(TEXT, 0.2)
    assert ask() is None  # nobody is at work on it any more


def test_a_question_that_is_dropped_before_the_end_leaves_no_warning_and_no_zombie(monkeypatch):
    started, start = [], beside._start
    monkeypatch.setattr(beside, "_start", lambda job: started.append((process := start(job)).pid) or process)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        beside.counted_beside(CONFIG, TEXT)
        gc.collect()
        assert psutil.pid_exists(started[0])
    deadline = time.monotonic() + 30
    while psutil.pid_exists(started[0]):  # a zombie would stay
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert said == []


@pytest.mark.parametrize("task", ["sentences", "henon"])
def test_a_task_without_a_text_has_nothing_to_count(task, monkeypatch):
    monkeypatch.setattr(beside, "_start", None)
    assert beside.counted_beside(RunConfig.of(task=task), None)() is None


def test_the_command_fills_the_cache(tmp_path):
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    job = json.dumps({"text_path": str(tmp_path / "text.txt"), "validation_fraction": 0.1})
    done = subprocess.run(
        [sys.executable, "-m", "rnncore.runs.beside"], input=job, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert find_baselines(digest_of(TEXT), 0.1) is not None
    assert kept.find_levels(digest_of(TEXT), 0.1) is not None


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        ("", "the job must be JSON"),
        ("[1]", "the job must be JSON"),
        ('{"text": "abc"}', "got KeyError: 'validation_fraction'"),
        ('{"text_path": "/no/such/file", "validation_fraction": 0.1}', "got FileNotFoundError"),
        ('{"text": "", "validation_fraction": 0.1}', "use a longer text"),
    ],
)
def test_a_command_that_cannot_do_its_job_says_why(monkeypatch, capsys, job, sentence):
    monkeypatch.setattr(sys, "stdin", io.StringIO(job))
    monkeypatch.setattr(beside.os, "nice", lambda _: 0)
    assert beside.main() == 2
    assert sentence in capsys.readouterr().err
