import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.core.method import with_fields
from widgetlib.engine.run import run, sweep
from widgetlib.measure.zeroth_order_sum import gauge

BOWL = catalog.problem("quadratic", dimension=5, condition=30.0)


def second_moment_map(h, lr):
    """The map of E[w wᵀ] under w - lr z zᵀ H w, (d², d²): E[z zᵀ A z zᵀ] = 2 A + tr(A) I for symmetric A."""
    d = len(h)
    columns = []
    for basis in np.eye(d * d):
        s = (basis.reshape(d, d) + basis.reshape(d, d).T) / 2
        a = h @ s @ h
        columns.append((s - lr * (h @ s + s @ h) + lr**2 * (2 * a + np.trace(a) * np.eye(d))).ravel())
    return np.array(columns).T


def test_a_step_on_a_bowl():
    """Two values give the slope along z without error: w - lr z zᵀ H w."""
    t = run(catalog.method("mezo", lr=0.01), BOWL, 100)
    h, w = BOWL.load().hessian.numpy(), t.w[0].numpy()
    for k in range(100):
        z = t.at(k).oracle().noise(t.w[k]).numpy()
        w = w - 0.01 * z * (z @ h @ w)
        assert np.abs(t.w[k + 1].numpy() - w).max() < 1e-9
    assert t.cost["values"][-1] == 200 and t.cost["gradients"][-1] == 0


def test_mean_square_of_the_real_method():
    """One step from many seeds against the second-moment map."""
    lr = 0.02
    t = sweep(catalog.method("mezo", lr=lr), BOWL, 1, seeds=range(20000), starts=[[1.0, -1.0, 0.5, 0.3, 2.0]])
    w = t.w.squeeze(2).numpy()
    found = w[1].T @ w[1] / len(w[1])
    wanted = (second_moment_map(BOWL.load().hessian.numpy(), lr) @ np.outer(w[0, 0], w[0, 0]).ravel()).reshape(5, 5)
    assert np.abs(found - wanted).max() < 0.06 * np.abs(wanted).max()


@pytest.mark.parametrize("dimension", [2, 5, 12])
def test_law_from_both_sides(dimension):
    """The mean square grows exactly where the sum over all curvatures passes 1."""
    bowl = catalog.problem("quadratic", dimension=dimension, condition=30.0)
    h = bowl.load().hessian.numpy()
    trace, top = np.trace(h), np.linalg.eigvalsh(h)[-1]

    def measured(lr):
        point = run(catalog.method("mezo", lr=1e-3), bowl, 0).at(0)
        point = point.__class__(**(vars(point) | {"method": with_fields(point.method, {"lr": lr})}))
        return gauge(point)[0] / float(point.method.stability_limit(point.oracle(), point.w, ()))

    low, high = 2 / (trace + 2 * top), 2 / trace
    assert measured(0.999 * low) < 1 < measured(1.001 * high)
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if measured(middle) > 1 else (middle, high)
    radius = [np.abs(np.linalg.eigvals(second_moment_map(h, x * low))).max() for x in (0.99, 1.0, 1.01)]
    assert radius[0] < 1 < radius[2] and radius[1] == pytest.approx(1, abs=1e-9)


def test_direction_is_drawn_again_from_the_seed():
    t = run(catalog.method("mezo"), BOWL, 5, seed=3)
    again = run(catalog.method("mezo"), BOWL, 5, seed=3)
    other = run(catalog.method("mezo"), BOWL, 5, seed=4, start=t.w[0])
    assert torch.equal(t.w, again.w) and not torch.equal(t.w, other.w)
    steps = t.w[1:] - t.w[:-1]
    assert len({tuple(torch.sign(s).tolist()) for s in steps}) > 1, "another direction at each step"
