"""Claims about the Hénon map, each with a value known in closed form or by brute force."""

import math

import numpy as np
import pytest
import torch

from rnncore.diagnostics.lyapunov import exponents_of
from rnncore.lecture import henon


def orbits(count=64, steps=3000):
    near = np.random.default_rng(0).uniform(-henon.NEAR, henon.NEAR, (count, 2))
    return henon.trajectories(henon.on_attractor(near), steps)


@pytest.fixture(scope="module")
def path():
    return orbits()


def test_a_trajectory_is_the_map_again_and_again():
    x, y = 0.1, -0.2
    found = henon.trajectories(np.array([[x, y]]), 30)
    for point in found[:, 0]:
        assert point == pytest.approx((x, y), abs=1e-12)
        x, y = 1 - 1.4 * x * x + y, 0.3 * x


def test_a_trajectory_of_no_points_is_empty():
    assert henon.trajectories(np.zeros((3, 2)), 0).shape == (0, 3, 2)


def test_the_jacobian_is_the_derivative_of_the_map():
    points, step = np.random.default_rng(1).normal(size=(7, 2)), 1e-6
    for column, nudge in enumerate(np.eye(2) * step):
        slope = (henon.following(points + nudge) - henon.following(points - nudge)) / (2 * step)
        np.testing.assert_allclose(henon.jacobian(points)[..., column], slope, atol=1e-8)


@pytest.mark.parametrize(("a", "b"), [(1.4, 0.3), (1.1, 0.2)])
def test_the_exponents_of_every_trajectory_add_up_to_ln_b_exactly(a, b):
    path = henon.trajectories(np.array([[0.1, 0.0], [0.0, 0.1]]), 200, a, b)
    np.testing.assert_allclose(henon.lyapunov_exponents(path, a=a, b=b).sum(1), math.log(b), rtol=0, atol=1e-12)


def test_the_exponents_are_those_of_the_literature(path):
    found = henon.lyapunov_exponents(path, warmup=100)
    error = found.std(0) / math.sqrt(len(found))
    assert (error < 0.001).all()
    np.testing.assert_array_less(np.abs(found.mean(0) - henon.EXPONENTS), 4 * error)


def test_the_first_exponent_is_the_growth_of_a_small_distance(path):
    """Brute force: two orbits side by side, their distance scaled back at each step."""
    distance, here = 1e-8, path[0]
    there, logs = here + np.array([distance, 0]), []
    for _ in range(600):
        here, there = henon.following(here), henon.following(there)
        grown = np.linalg.norm(there - here, axis=-1, keepdims=True)
        logs.append(np.log(grown[:, 0] / distance))
        there = here + (there - here) * distance / grown
    np.testing.assert_allclose(
        np.mean(logs[100:], axis=0), henon.lyapunov_exponents(path[:600], warmup=100)[:, 0], atol=1e-3
    )


def test_the_diagnostics_find_the_same_exponents_from_the_same_jacobians(path):
    jacobians = [torch.from_numpy(one) for one in henon.jacobian(path[:400])]
    wanted = exponents_of(jacobians, warmup=100).by_sequence.numpy()
    np.testing.assert_allclose(henon.lyapunov_exponents(path[:400], warmup=100), wanted, atol=1e-9)


def test_a_fixed_point_has_the_logarithms_of_its_eigenvalues():
    """x* = (-(1-b) + sqrt((1-b)² + 4a)) / 2a: the saddle on the attractor."""
    x = (-0.7 + math.sqrt(0.49 + 5.6)) / 2.8
    point = np.array([x, 0.3 * x])
    np.testing.assert_allclose(henon.following(point), point, atol=1e-15)
    wanted = sorted(np.log(np.abs(np.linalg.eigvals(henon.jacobian(point)))), reverse=True)
    still = np.broadcast_to(point, (200, 1, 2))  # iterated, rounding would carry it away
    np.testing.assert_allclose(henon.lyapunov_exponents(still, warmup=50)[0], wanted, atol=1e-9)


def test_every_start_near_the_origin_comes_to_the_attractor():
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, 101), np.linspace(-0.1, 0.1, 41))
    found = henon.on_attractor(np.stack([x.ravel(), y.ravel()], -1))
    assert np.abs(found[:, 0]).max() < 1.3
    assert np.abs(found[:, 1]).max() < 0.4


def test_standardised_coordinates_have_mean_0_and_variance_1(path):
    points = henon.standardised(path)
    np.testing.assert_allclose(points.mean((0, 1)), 0, atol=0.005)
    np.testing.assert_allclose(points.std((0, 1)), 1, atol=0.005)
    np.testing.assert_allclose(henon.raw(points), path, atol=1e-15)
