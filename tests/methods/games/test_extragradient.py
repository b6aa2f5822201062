from dataclasses import replace

import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.core.method import with_fields
from widgetlib.engine.run import run
from widgetlib.measure.field_sharpness import gauge
from widgetlib.measure.update_map import spectrum

GAME = catalog.problem("bilinear_game", dimension=3, coupling=2.0)


def test_against_numpy():
    game = catalog.problem("bilinear_game", dimension=3, coupling=2.0, mu=0.2)
    t = run(catalog.method("extragradient", lr=0.2), game, 200)
    a = game.load().a.numpy()

    def field(x, y):
        return a @ y + 0.2 * x, 0.2 * y - a.T @ x

    x, y = t.w[0, :3].numpy(), t.w[0, 3:].numpy()
    for k in range(200):
        fx, fy = field(x, y)
        fx, fy = field(x - 0.2 * fx, y - 0.2 * fy)
        x, y = x - 0.2 * fx, y - 0.2 * fy
        assert np.abs(t.w[k + 1].numpy() - np.concatenate([x, y])).max() < 1e-12
    assert t.cost["gradients"][-1] == 400


def at_share(point, share):
    """The point at a share of the rate at which the gauge meets the limit."""
    return replace(point, method=with_fields(point.method, {"lr": share / gauge(point)[0]}))


def test_law_from_both_sides():
    """On a bilinear game the edge is exact, and its modes have the squared modulus 1 - a² + a⁴."""
    point = run(catalog.method("extragradient"), GAME, 5).at(5)
    assert gauge(point)[0] == pytest.approx(2.0)
    assert float(point.method.stability_limit(point.oracle(), point.w, ())) == pytest.approx(1 / 0.1)
    below, beyond = (spectrum(at_share(point, x), True, 6).values for x in (0.99, 1.01))
    assert np.abs(below).max() < 1 < np.abs(beyond).max()
    a = 0.99 / np.array([1, 1, 2, 2, 3, 3])
    assert np.sort(np.abs(below) ** 2) == pytest.approx(np.sort(1 - a**2 + a**4))


def test_converges_below_its_edge_and_diverges_beyond():
    runs = [run(catalog.method("extragradient", lr=x / 2.0), GAME, 3000) for x in (0.9, 1.05)]
    assert runs[0].merit[-1] < 1e-6 * runs[0].merit[0] and runs[1].merit[-1] > 1e6 * runs[1].merit[0]


def test_plain_steps_spiral_outward_at_any_rate():
    """What looking ahead is for: |1 - i a| > 1."""
    z = torch.tensor([1.0, 0.0], dtype=torch.float64)
    game = catalog.problem("bilinear_game")
    for _ in range(100):
        z = z - 0.1 * game.field(z, game.load())
    assert float(z.norm()) > 1.5
    assert float(run(catalog.method("extragradient", lr=0.1), game, 100).w[-1].norm()) < 1.5


@pytest.mark.parametrize("mu", [0.0, 0.3, 1.0])
def test_safe_below_its_limit_in_a_monotone_game(mu):
    game = catalog.problem("bilinear_game", dimension=3, mu=mu)
    point = run(catalog.method("extragradient"), game, 2).at(2)
    assert np.abs(spectrum(at_share(point, 0.99), False, 6).values).max() < 1
