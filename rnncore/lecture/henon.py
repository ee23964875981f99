"""The Hénon map, x' = 1 - a·x² + y, y' = b·x: the simplest smooth map of the plane with a strange attractor.

Everything about it is known: no prediction can be right for long, because any error grows by e^λ₁ a step, whoever made
it. Source: Hénon 1976, "A two-dimensional mapping with a strange attractor".

Float64 throughout. Shapes: T steps, N trajectories, 2 coordinates x and y.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

A, B = 1.4, 0.3
"""Hénon's own parameters."""
EXPONENTS = (0.4192, -1.6232)
"""Lyapunov exponents λ₁, λ₂ at these parameters, in nats per step; their sum is ln b."""
MEAN, SCALE = np.array([0.2569, 0.0771]), np.array([0.7210, 0.2163])
"""Mean and standard deviation of x and y on the attractor."""
TRANSIENT = 100
"""Steps from near the origin to the attractor: what is left of the distance shrinks by e^λ₂ at each."""
NEAR = 0.1
"""Starts with |x|, |y| below this come to the attractor (all of [-.5, .5] × [-.1, .1] does)."""


def following(points: Points, a: float = A, b: float = B) -> Points:
    """The next points, (..., 2) → (..., 2)."""
    x, y = points[..., 0], points[..., 1]
    return np.stack([1 - a * x * x + y, b * x], -1)


def trajectories(starts: Points, steps: int, a: float = A, b: float = B) -> Points:
    """(N, 2) starts → (T, N, 2), the starts first."""
    path = np.empty((steps, *starts.shape))
    path[:1] = starts
    for t in range(1, steps):
        path[t] = following(path[t - 1], a, b)
    return path


def on_attractor(near: Points) -> Points:
    """Where starts near the origin, (N, 2), are when they have reached the attractor."""
    return trajectories(near, TRANSIENT + 1)[-1]


def standardised(points: Points) -> Points:
    """Points in standard deviations from the attractor's mean."""
    return (points - MEAN) / SCALE


def raw(points: Points) -> Points:
    """Undo ``standardised``."""
    return points * SCALE + MEAN


def jacobian(points: Points, a: float = A, b: float = B) -> Points:
    """∂(x', y')/∂(x, y) at points (..., 2): (..., 2, 2) = [[-2·a·x, 1], [b, 0]], whose determinant is -b everywhere."""
    found = np.zeros((*points.shape, 2))
    found[..., 0, 0] = -2 * a * points[..., 0]
    found[..., 0, 1], found[..., 1, 0] = 1, b
    return found


def lyapunov_exponents(path: Points, warmup: int = 0, a: float = A, b: float = B) -> Points:
    """λ₁ and λ₂ of each trajectory in nats per step, (T, N, 2) → (N, 2), by J_t Q_t = Q_{t+1} R, λ_i = mean ln|R_ii|.

    Benettin et al. 1980. The first ``warmup`` steps turn the basis towards the growing direction and do not count.
    """
    basis, logs = np.broadcast_to(np.eye(2), (path.shape[1], 2, 2)), []
    for jacobians in jacobian(path, a, b):
        basis, upper = np.linalg.qr(jacobians @ basis)
        logs.append(np.log(np.abs(np.diagonal(upper, axis1=-2, axis2=-1))))
    return np.mean(logs[warmup:], axis=0)
