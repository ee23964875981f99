"""The server process must stay light: torch is for workers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted((ROOT / "dashboard").rglob("*.py"))
    if path.name not in ("__init__.py", "main.py") and path.parent.name != "views"  # these two draw when imported
]
PAGE = """
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest
ContextProxy.cookies = {}
page = AppTest.from_file("dashboard/main.py", default_timeout=60).run()
assert not page.exception, page.exception
assert page.title[0].value == "Live lab"
"""


def loaded_by(code: str, home: Path) -> set[str]:
    """The top-level modules that a new process has loaded after some code."""
    report = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    environment = {"RNNCORE_HOME": str(home), "RNNCORE_CACHE": str(home / "cache"), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{code}\n{report}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    ["\n".join(f"import {part}" for part in PARTS), PAGE],
    ids=["every-module", "the-page"],
)
def test_the_server_process_does_not_load_torch(code: str, tmp_path: Path) -> None:
    loaded = loaded_by(code, tmp_path)
    assert "dashboard" in loaded
    assert "rnncore" in loaded
    assert "torch" not in loaded
