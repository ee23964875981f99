"""Claims of the README that can be run."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_python_example_runs_as_it_stands():
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    assert blocks
    for block in blocks:
        done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


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
