"""The central flow against closed forms, and against the gradient descent whose average it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
import torch
from torch import Tensor

from widgetlib import catalog
from widgetlib.core.layout import Layout
from widgetlib.core.problem import Problem
from widgetlib.core.words import AtlasError, Start
from widgetlib.engine.run import run
from widgetlib.measure._cone import oscillation
from widgetlib.measure._flows import CentralFlow, GradientFlow
from widgetlib.measure.central_flow import central_flow

METHOD = next(e.slug for e in catalog.methods() if catalog.method(e.slug).central)
DRIFT = (0.002, 0.001)  # how fast each curvature still grows at the edge, a step
SPRING = 0.02  # damps the cycle: enough for gradient descent to settle in it


@dataclass(frozen=True, eq=False)
class Canyon(Problem):
    """L = Σ ½ yᵢ xᵢ² - (cᵢ + 2m) yᵢ + ½ m yᵢ²: each xᵢ has the curvature yᵢ, which grows beyond 2 where xᵢ is small."""

    title = "Canyon"
    dtype = torch.float64

    walls: int = 1

    @cached_property
    def layout(self) -> Layout:
        return Layout({"x": (self.walls,), "y": (self.walls,)})

    @property
    def starts(self) -> tuple[Start, ...]:
        return (Start("rim", (*[0.05] * self.walls, *[1.95] * self.walls)),)

    def load(self) -> tuple:
        return ()

    def loss(self, w: Tensor, data: tuple) -> Tensor:
        x, y = w.split(self.walls, dim=-1)
        c = torch.tensor(DRIFT[: self.walls], dtype=w.dtype)
        return (0.5 * y * x**2 - (c + 2 * SPRING) * y + 0.5 * SPRING * y**2).sum(-1, keepdim=True)


def test_one_direction_keeps_the_curvature_at_the_edge_with_the_variance_of_the_closed_form():
    trace = run(catalog.method(METHOD, lr=1.0), Canyon(), 100)
    flow = central_flow(trace)
    late = slice(60, None)
    assert flow["eigenvalue"][late, 0] == pytest.approx(2.0, abs=1e-3)  # 2 / lr
    assert flow["variance"][late, 0] == pytest.approx(2 * DRIFT[0], rel=1e-3)  # 2 <-∇L, ∇S> / ‖∇S‖²
    gap = flow["predicted_loss"] - flow["flow_loss"]
    assert gap[late] == pytest.approx(DRIFT[0] * 2, rel=1e-3)  # tr Σ / lr
    assert np.all(gap[:20] == 0)  # before the crossing


def test_the_run_oscillates_with_that_variance_around_the_flow():
    trace = run(catalog.method(METHOD, lr=1.0), Canyon(), 4000)
    x, y = trace.w[2000:, 0], trace.w[2000:, 1]
    assert float((x**2).mean()) == pytest.approx(2 * DRIFT[0], rel=0.1)
    assert float(y.mean()) == pytest.approx(2.0, rel=0.05)


def test_two_directions_have_a_variance_each():
    flow = central_flow(run(catalog.method(METHOD, lr=1.0), Canyon(walls=2), 120), gradient=False)
    assert flow["eigenvalue"][-1, :2] == pytest.approx([2.0, 2.0], abs=1e-3)
    assert sorted(flow["variance"][-1, :2]) == pytest.approx([2 * c for c in sorted(DRIFT)], rel=1e-2)


def test_below_the_edge_both_flows_follow_the_run():
    bowl = catalog.problem("quadratic")
    trace = run(catalog.method(METHOD, lr=1e-4), bowl, 50)
    flow = central_flow(trace)
    length = float((trace.w[-1] - trace.w[0]).norm())
    assert flow["distance"][-1] < 1e-2 * length and flow["gradient_distance"][-1] < 1e-2 * length
    assert np.all(flow["predicted_loss"] == flow["flow_loss"])


def test_the_gradient_flow_of_a_quadratic_is_the_exponential():
    problem = catalog.problem("quadratic")
    w = problem.start()
    oracle = problem.oracle(problem, problem.load())
    hessian = oracle.hessian(w)
    eta = 6 / float(torch.linalg.eigvalsh(hessian)[-1])  # three times beyond the edge
    flow = GradientFlow(oracle, w, eta)
    for _ in range(10):
        flow.step()
    lowest = torch.linalg.solve(hessian, hessian @ w - oracle.grad(w))
    exact = lowest + torch.linalg.matrix_exp(-10 * eta * hessian) @ (w - lowest)
    assert torch.allclose(flow.w, exact, atol=2e-3 * float((w - lowest).norm()))


def test_third_derivatives_are_those_of_automatic_differentiation():
    problem = catalog.problem("chebyshev_mlp")
    w = problem.start()
    oracle = problem.oracle(problem, problem.load())
    directions = torch.linalg.qr(torch.randn(len(w), 3, dtype=w.dtype, generator=torch.Generator().manual_seed(1)))[
        0
    ].mT
    found = CentralFlow(oracle, w, 1.0)._thirds(directions, oracle.grad(w))
    x = w.clone().requires_grad_()
    image = torch.autograd.grad(oracle.grad(x), x, directions[0], create_graph=True)[0]
    exact = torch.autograd.grad(image @ directions[2], x)[0]
    assert (found[0, 2] - exact).norm() < 2e-2 * exact.norm()
    assert torch.equal(found[0, 2], found[2, 0])


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_oscillation_solves_its_complementarity_problem(k):
    draws = np.random.default_rng(k)
    for _ in range(20):
        thirds = draws.normal(size=(k, k, 30))
        thirds = (thirds + thirds.transpose(1, 0, 2)) / 2
        brake = np.einsum("ijd,kld->ijkl", thirds, thirds)
        drive = draws.normal(size=(k, k))
        drive = (drive + drive.T) / 2
        found = oscillation(drive, brake, np.zeros((k, k)), tol=1e-10, most=5000)
        rest = drive - np.einsum("ijkl,kl->ij", brake, found) / 2
        assert np.linalg.eigvalsh(found).min() > -1e-9
        assert np.linalg.eigvalsh(rest).max() < 1e-6
        assert abs((found * rest).sum()) < 1e-6


def test_stop_keeps_what_there_is():
    trace = run(catalog.method(METHOD, lr=1.0), Canyon(), 50)
    flow = central_flow(trace, on_step=lambda table, k: len(table()["step"]) == 7)
    assert list(flow["step"]) == list(range(7))


@pytest.mark.parametrize("say", ["sweep", "method", "batch"])
def test_what_has_no_central_flow_is_said(say):
    other = next(e.slug for e in catalog.methods() if not catalog.method(e.slug).central)
    digits = catalog.problem("digits_logistic", subset=60)
    if say == "sweep":
        from widgetlib.engine.run import sweep

        trace, words = sweep(catalog.method(METHOD), Canyon(), 3, {"lr": [0.1, 0.2]}), "one run"
    elif say == "method":
        trace, words = run(catalog.method(other), catalog.problem("rosenbrock"), 3), f"of {other} is known"
    else:
        trace, words = run(catalog.method(METHOD), digits, 3, batch=10), "10 samples"
    with pytest.raises(AtlasError, match=words):
        central_flow(trace)
