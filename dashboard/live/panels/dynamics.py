"""The panels of Dynamics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from dashboard.figures.base import Line, plain
from dashboard.figures.dynamics import eigenvalues, singular_values
from dashboard.figures.dynamics_growth import along_sequence, growth_by_lag
from dashboard.figures.dynamics_lyapunov import lyapunov_convergence, lyapunov_spectrum
from dashboard.live.panels.scene import PanelType, Scene, lines_of
from rnncore.records import LyapunovSpectrum, Record, StepJacobian

STEP = "jacobian_step"
"""Parameter: the step of the sequence whose Jacobian is looked at."""
LAG = "jacobian_lag"
"""Parameter: how many steps are multiplied together."""


def _jacobians(scene: Scene) -> list[tuple[Line, StepJacobian]]:
    return cast("list[tuple[Line, StepJacobian]]", _found(scene, "step_jacobian"))


def _exponents(scene: Scene) -> list[tuple[Line, LyapunovSpectrum]]:
    return cast("list[tuple[Line, LyapunovSpectrum]]", _found(scene, "lyapunov"))


def _found(scene: Scene, kind: str) -> list[tuple[Line, Record]]:
    pairs = [(line, scene.record(kind, run)) for line, run in zip(lines_of(scene), scene.runs, strict=True)]
    return [(line, record) for line, record in pairs if record is not None]


def _shown(scene: Scene, figure: dict[str, Any], records: Sequence[tuple[Line, Record]]) -> dict[str, Any]:
    """The figure; its caption names the runs that it has nothing of."""
    measured = [line for line, _ in records]
    missing = [f"{plain(line.label)}: not measured yet" for line in lines_of(scene) if line not in measured]
    if measured and missing:
        meta = figure["layout"]["meta"]
        meta["caption"] = "; ".join([meta["caption"], *missing])
    return {"figure": figure}


def _eigenvalues(scene: Scene) -> dict[str, Any]:
    records, step = _jacobians(scene), scene.params.get(STEP)
    return _shown(scene, eigenvalues.plain(records, scene.look, layer=scene.layer, t=step), records)


def _singular_values(scene: Scene) -> dict[str, Any]:
    records, step, lag = _jacobians(scene), scene.params.get(STEP), scene.params.get(LAG, 1)
    return _shown(scene, singular_values.plain(records, scene.look, layer=scene.layer, t=step, lag=lag), records)


def _along_sequence(scene: Scene) -> dict[str, Any]:
    records, step = _jacobians(scene), scene.params.get(STEP)
    return _shown(scene, along_sequence.plain(records, scene.look, layer=scene.layer, t=step), records)


def _growth_by_lag(scene: Scene) -> dict[str, Any]:
    records, limits = _jacobians(scene), dict(_exponents(scene))
    return _shown(scene, growth_by_lag.plain(records, scene.look, layer=scene.layer, exponents=limits), records)


def _lyapunov_convergence(scene: Scene) -> dict[str, Any]:
    records = _exponents(scene)
    return _shown(scene, lyapunov_convergence.plain(records, scene.look, layer=scene.layer), records)


def _lyapunov_spectrum(scene: Scene) -> dict[str, Any]:
    records = _exponents(scene)
    return _shown(scene, lyapunov_spectrum.plain(records, scene.look, layer=scene.layer), records)


PANELS: dict[str, PanelType] = {
    "eigenvalues": PanelType(("step_jacobian",), _eigenvalues),
    "singular_values": PanelType(("step_jacobian",), _singular_values),
    "along_sequence": PanelType(("step_jacobian",), _along_sequence),
    "growth_by_lag": PanelType(("step_jacobian", "lyapunov"), _growth_by_lag),
    "lyapunov_convergence": PanelType(("lyapunov",), _lyapunov_convergence),
    "lyapunov_spectrum": PanelType(("lyapunov",), _lyapunov_spectrum),
}
