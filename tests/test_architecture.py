"""Claims about the house: who may know whom, and what the server must not load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ORDER = [
    "errors",
    "records",
    "config",
    "cells",
    "lecture",
    "tasks",
    "models",
    "generation",
    "probe",
    "training",
    "diagnostics",
    "runs",
    "comparison",
    "export",
    "watching",
]
"""One way through rnncore: a package may import what stands before it. generation, probe and training are on one
level; presets speaks of configurations only, cost and matching
of cells too."""
LEVEL = {name: level for level, name in enumerate(ORDER)} | {
    "generation": 7,
    "probe": 7,
    "training": 7,
    "cost": 4,
    "matching": 4,
    "presets": 3,
}
LATE = {("lecture", "measured"): LEVEL["diagnostics"]}
"""What torch measures for the lecture trains and diagnoses; the lecture's own folder is as early as its formulas."""
FREE = {"benchmark", "cli", "__main__", "__init__"}


def imports(path):
    """Modules imported when the file is imported: not inside functions, not for type checking only."""
    found = []

    def walk(nodes):
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module:
                found.append(node.module)
            elif isinstance(node, ast.Import):
                found.extend(alias.name for alias in node.names)
            elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.dump(node.test):
                walk(node.body + node.orelse)
            elif isinstance(node, ast.Try):
                walk(node.body)

    walk(ast.parse(path.read_text("utf-8")).body)
    return found


def files(package):
    return sorted((ROOT / package).rglob("*.py"))


def test_imports_go_one_way_through_rnncore():
    for path in files("rnncore"):
        parts = path.relative_to(ROOT / "rnncore").parts
        own = parts[0].removesuffix(".py")
        if own in FREE:
            continue
        level = LATE.get(parts[:2], LEVEL[own])
        for module in imports(path):
            if module.startswith("rnncore."):
                other = module.split(".")[1]
                assert LEVEL[other] <= level, f"{path.relative_to(ROOT)} imports {module}"


def test_rnncore_knows_no_screen():
    for path in files("rnncore"):
        text = path.read_text("utf-8")
        tree = ast.walk(ast.parse(text))
        names = [n.module or "" for n in tree if isinstance(n, ast.ImportFrom)]
        names += [a.name for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Import) for a in n.names]
        assert not [name for name in names if name.split(".")[0] in ("streamlit", "plotly", "dashboard")], path


@pytest.mark.parametrize(
    "module",
    ["rnncore", "rnncore.config", "rnncore.records", "rnncore.cells", "rnncore.cost", "rnncore.presets",
     "rnncore.diagnostics.findings", "rnncore.runs.store", "rnncore.runs.launcher", "rnncore.tasks.text",
     "rnncore.tasks.baselines", "dashboard.app", "dashboard.live.panels", "dashboard.widgets.settings",
     "rnncore.export", "dashboard.report", "rnncore.lecture", "dashboard.widgets.lecture"],
)  # fmt: skip
def test_what_the_server_loads_never_imports_torch(module):
    code = f"import {module}, sys; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or f"{module} imports torch"


def test_figures_know_neither_streamlit_nor_the_store():
    for path in files("dashboard/figures"):
        for module in imports(path):
            assert not module.startswith(("streamlit", "rnncore.runs", "dashboard.live", "dashboard.services")), path


def test_views_are_tables_of_contents():
    for path in files("dashboard/views"):
        assert len(path.read_text("utf-8").splitlines()) <= 70, path
        assert not [m for m in imports(path) if m.startswith(("numpy", "pandas", "plotly"))], path


def test_every_public_function_and_class_of_rnncore_has_a_docstring():
    missing = []
    for path in files("rnncore"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                if not ast.get_docstring(node):
                    missing.append(f"{path.relative_to(ROOT)}: {node.name}")
                if isinstance(node, ast.ClassDef):
                    missing += [
                        f"{path.relative_to(ROOT)}: {node.name}.{one.name}"
                        for one in node.body
                        if isinstance(one, ast.FunctionDef)
                        and not one.name.startswith("_")
                        and not ast.get_docstring(one)
                    ]
    assert not missing


def test_the_pins_of_the_project_are_exact():
    for name in ("requirements.txt", "tests/requirements.txt"):
        for line in (ROOT / name).read_text().split():
            assert "==" in line, line
