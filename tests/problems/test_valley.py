"""The valley made for the edge: a method comes to rest where the banks are as sharp as its own limit."""

import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.engine.run import run
from widgetlib.measure.sharpness import sharpness

VALLEY = catalog.problem("valley")


def late(slug, start, steps=2000, **fields):
    """Gauge over limit in the last fifth of a run, and where it ends."""
    t = run(catalog.method(slug, **fields), VALLEY, steps, start=start)
    found = sharpness(t, k=0, every=10)
    share = found["gauge"] / found["limit"]
    return share[found["step"] > 0.8 * steps], t.w[-1]


@pytest.mark.parametrize("lr", [0.2, 0.25, 0.35, 0.5, 0.7, 1.0, 1.3])
def test_gradient_descent_settles_at_its_own_edge_from_the_sharp_end(lr):
    share, (x, y) = late("gd", "sharp end", lr=lr)
    assert np.abs(share - 1).max() < 0.1
    # the balance of the docstring: lr a / 2 = √(1 + y²) = 1 + s (1 - x/X) / a'
    a = (1 + x**2).sqrt()
    assert float(lr * a / 2) == pytest.approx(float((1 + y**2).sqrt()), rel=1e-4)
    assert float(lr * a / 2) == pytest.approx(float(1 + VALLEY.slope * (1 - x / 12) * a / x), rel=1e-4)


@pytest.mark.parametrize("lr", [0.5, 0.7, 1.0])
def test_and_from_the_flat_end_after_progressive_sharpening(lr):
    t = run(catalog.method("gd", lr=lr), VALLEY, 300, start="flat end")
    gauge = sharpness(t, k=0, every=1)["gauge"]
    assert gauge[20] < 0.8 * 2 / lr and gauge.max() > 1.4 * gauge[20]
    assert np.abs(late("gd", "flat end", lr=lr)[0] - 1).max() < 0.1


def test_a_rate_below_the_edge_of_the_rivers_end_reaches_the_minimum():
    share, (x, y) = late("gd", "sharp end", 5000, lr=0.95 * 2 / 145**0.5)
    assert share.max() < 1 and abs(x - 12) < 0.1 and abs(y) < 1e-8


@pytest.mark.parametrize(("slug", "fields"), [("sam", {"base.lr": 0.5}), ("rmsprop", {"lr": 0.003})])
def test_other_methods_settle_at_their_own_edge(slug, fields):
    assert np.abs(late(slug, "flat end", 3000, **fields)[0] - 1).max() < 0.1


def test_momentum_circles_around_its_edge():
    share, _ = late("heavy_ball", "sharp end", lr=0.4)
    assert np.median(share) == pytest.approx(1, abs=0.1) and share.min() < 1 < share.max()


@pytest.mark.parametrize("x", [0.0, 1.0, 5.0, 12.0])
def test_along_the_river_the_hessian_is_the_place(x):
    w = torch.tensor([x, 0.0], dtype=torch.float64)
    wanted = torch.tensor([VALLEY.slope / 12, (1 + x * x) ** 0.5], dtype=torch.float64).diag()
    assert torch.allclose(torch.func.hessian(lambda w: VALLEY.loss(w, ()).sum())(w), wanted, atol=1e-12)
