import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run, sweep
from widgetlib.measure.sharpness import sharpness

BOWL = catalog.problem("quadratic", dimension=5, condition=30.0)
HILL = (-0.2708445906673476, -0.9230385564799815)  # Himmelblau's maximum
HILLS = catalog.problem("himmelblau")


def himmelblau(x, y):
    """Gradient and Hessian, worked out by hand."""
    a, b = x * x + y - 11, x + y * y - 7
    g = np.array([4 * a * x + 2 * b, 2 * a + 4 * b * y])
    return g, np.array([[12 * x * x + 4 * y - 42, 4 * (x + y)], [4 * (x + y), 12 * y * y + 4 * x - 26]])


def rosenbrock(x, y, b=100.0):
    g = np.array([2 * (x - 1) - 4 * b * x * (y - x * x), 2 * b * (y - x * x)])
    return g, np.array([[2 + 12 * b * x * x - 4 * b * y, -4 * b * x], [-4 * b * x, 2 * b]])


START = {"himmelblau": "corner", "rosenbrock": "classic"}


@pytest.mark.parametrize("local", [himmelblau, rosenbrock])
@pytest.mark.parametrize(("lr", "mu"), [(0.1, 3.0), (0.5, 60.0)])
def test_against_numpy(local, lr, mu):
    """200 steps against an implementation that shares nothing with ours, by Cramer's rule."""
    problem = catalog.problem(local.__name__)
    t = run(catalog.method("newton", lr=lr, mu=mu), problem, 200, start=START[local.__name__])
    w = t.w[0].numpy()
    path = [w]
    for _ in range(200):
        g, h = local(*w)
        (p, q), (_, r) = h + mu * np.eye(2)
        w = w - lr * np.array([r * g[0] - q * g[1], p * g[1] - q * g[0]]) / (p * r - q * q)
        path.append(w)
    assert np.abs(t.w.numpy() - np.array(path)).max() < 1e-10
    assert np.abs(path[-1] - path[0]).max() > 0.1


def test_closed_form_on_a_bowl():
    """Each mode is multiplied by 1 - lr λ / (λ + μ)."""
    t = run(catalog.method("newton", lr=0.7, mu=4.0), BOWL, 20)
    values, vectors = torch.linalg.eigh(BOWL.load().hessian)
    modes = (1 - 0.7 * values / (values + 4)) ** torch.arange(21)[:, None] * (t.w[0] @ vectors)
    assert torch.allclose(t.w, modes @ vectors.T, atol=1e-12)


def test_without_damping_one_step_reaches_the_minimum_of_a_bowl():
    t = run(catalog.method("newton", lr=1.0, mu=1e-6), BOWL, 1)
    assert t.w[1].abs().max() < 1e-5


def test_diverges_just_beyond_its_edge_and_only_there():
    edge = 2 * (1 + 4.0 / 30)
    below, beyond = (run(catalog.method("newton", lr=x * edge, mu=4.0), BOWL, 3000) for x in (0.99, 1.01))
    assert below.merit[-1] < 1e-10 * below.merit[0]
    assert beyond.merit[-1] > 1e10 * beyond.merit[0]


def test_a_maximum_attracts_below_a_small_damping_and_repels_above_a_large_one():
    start = [HILL[0] + 0.05, HILL[1] - 0.05]
    up, down = (run(catalog.method("newton", lr=0.5, mu=mu), HILLS, 300, start=start) for mu in (1.0, 200.0))
    assert up.w[-1].tolist() == pytest.approx(HILL, abs=1e-8) and up.merit[-1] > up.merit[0]
    assert down.merit[-1] < 1e-6


def test_states_no_limit_where_the_damped_hessian_is_not_positive():
    for mu, law in ((1.0, False), (200.0, True)):
        found = sharpness(run(catalog.method("newton", mu=mu), HILLS, 0, start=HILL), k=2)
        assert np.isfinite(found["limit"]).all() == law and np.isfinite(found["gauge"]).all()


def test_a_singular_system_ends_in_no_finite_number_and_no_error():
    """At the monkey saddle's centre the Hessian is zero; with μ = 0 the system is singular."""
    from widgetlib.core.method import with_fields

    method = with_fields(catalog.method("newton"), {"mu": 0.0})
    t = run(method, catalog.problem("monkey_saddle"), 1, start=[0.0, 0.0])
    assert not torch.isfinite(t.w[1]).any()


def test_rates_and_dampings_of_a_sweep_are_members():
    t = sweep(catalog.method("newton"), BOWL, 10, {"lr": [0.5, 1.0, 2.0], "mu": [0.1, 10.0]}, seeds=[0, 1])
    alone = run(catalog.method("newton", lr=2.0, mu=0.1), BOWL, 10, seed=1)
    assert (t.w[:, 2, 0, 1] - alone.w).abs().max() < 1e-12
    assert t.cost["products"][-1] == 50 and t.cost["gradients"][-1] == 10


def test_refuses_a_net_too_large_for_a_whole_hessian():
    with pytest.raises(AtlasError, match="of at most 1000"):
        run(catalog.method("newton"), catalog.problem("digits_mlp"), 1)
