"""Claims of the README that can be run."""

import os
import re
import subprocess
import sys
from pathlib import Path

from rnncore.runs.store import RunStore

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_python_examples_run_as_they_stand(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len(blocks) >= 2
    for block in blocks:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", block],
            env={**os.environ, "RNNCORE_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr
    with RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}") as store:
        (run,) = store.runs()
        assert (run.name, run.state, run.source) == ("my tagger", "finished", "watch")


def test_every_picture_is_there():
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", README)
    assert len(pictures) >= 4
    for picture in pictures:
        assert (ROOT / picture).stat().st_size > 10_000, picture


def test_the_commands_it_names_exist(tmp_path):
    for command in ("settings", "runs"):
        assert f"python -m rnncore {command}" in README
        done = subprocess.run(
            [sys.executable, "-m", "rnncore", command],
            env={"RNNCORE_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stderr


def test_the_folders_it_explains_exist():
    for folder in re.findall(r"^\| `((?:rnncore|dashboard)/[\w/.]*)` \|", README, re.M):
        assert (ROOT / folder).exists(), folder
