"""Lines and curves through weight space, against closed forms."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar

from widgetlib import catalog
from widgetlib.core.layout import Layout
from widgetlib.core.problem import Problem
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run, sweep
from widgetlib.measure.line import line

NET = catalog.problem("digits_mlp", width=4, depth=1, subset=50)
BOWL = catalog.problem("quadratic", dimension=6, condition=30.0)
HILLS = catalog.problem("himmelblau")


@dataclass(frozen=True, eq=False)
class Ring(Problem):
    """A valley along the unit circle: (‖w‖² - 1)²."""

    layout = Layout({"w": (2,)})

    def loss(self, w, data):
        return ((w**2).sum(-1, keepdim=True) - 1) ** 2


def trained(problem=NET, steps=30, seed=0):
    return run(catalog.method("gd", lr=0.01), problem, steps, seed=seed, dtype=torch.float64)


def standing(problem, point):
    """A run that ends where it starts."""
    return run(catalog.method("gd"), problem, 0, start=list(point))


def ring(**options):
    return line(standing(Ring(), (1.0, 0.0)), "curve", to=torch.tensor([-1.0, 0.0]), **options)


def test_straight_between_two_minima():
    a, b = np.array(HILLS.minima[:2])
    found = line(standing(HILLS, a), to=torch.tensor(b), size=41)
    x, y = a[:, None] + (b - a)[:, None] * np.linspace(0, 1, 41)
    loss = (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2
    assert found["loss"][0] == pytest.approx(loss, rel=1e-9, abs=1e-9)
    assert found["path"].tolist() == ["straight"] and found["position"][[0, -1]].tolist() == [0, 1]
    assert found["barrier"] == pytest.approx([loss.max()], rel=1e-6)
    assert found["length"] == pytest.approx([np.linalg.norm(b - a)])


def test_a_barrier_is_counted_from_the_rise_between_unequal_ends():
    t = trained(BOWL, 20)
    found = line(t)  # to the start of the run
    assert found["loss"][0, [0, -1]] == pytest.approx(t.merit[[-1, 0]].numpy())
    assert found["barrier"] == pytest.approx([0.0])  # a convex loss has none, though it rises
    uphill = line(standing(HILLS, HILLS.minima[0]), to=torch.tensor([0.0, 0.0]))
    chord = uphill["loss"][0, -1] * uphill["position"]
    assert uphill["barrier"][0] == pytest.approx((uphill["loss"][0] - chord).max(), rel=1e-9)
    assert 0 < uphill["barrier"][0] < uphill["loss"].max()


def test_the_curve_goes_around_the_hill():
    found = ring()
    t, theta = found["position"], found["middle"]
    assert found["loss"][:, [0, -1]] == pytest.approx(0, abs=1e-12)
    points = np.stack([(1 - t) ** 2 - t**2, 0 * t], 1) + (2 * t * (1 - t))[:, None] * theta
    assert found["loss"][1] == pytest.approx(((points**2).sum(1) - 1) ** 2, abs=1e-9)
    assert found["length"][1] == pytest.approx(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
    assert found["barrier"][0] == pytest.approx(1.0) and found["barrier"][1] < 0.06
    s = np.linspace(-1, 1, 2001)  # the least mean loss with the middle at (0, h): x = s, y = h (1 - s²) / 2
    best = minimize_scalar(lambda h: ((s**2 + (h * (1 - s**2) / 2) ** 2 - 1) ** 2).mean(), bounds=(1, 3)).x
    assert np.abs(theta) == pytest.approx([0, best], abs=0.02)


def test_the_curve_between_two_nets_has_its_ends_and_a_lower_barrier():
    a, b = trained(steps=200), trained(steps=200, seed=1)
    found = line(a, "curve", to=b, size=21)
    ends = [float(a.merit[-1]), float(b.merit[-1])]
    assert found["loss"][:, [0, -1]] == pytest.approx(np.array([ends, ends]), rel=1e-9)
    assert found["barrier"][1] < 0.5 * found["barrier"][0]
    assert found["middle"].shape == (NET.layout.size,)
    shorter = line(a, "curve", to=b, size=21, most=2)
    assert found["loss"][1].mean() < shorter["loss"][1].mean()


def test_accuracy_lacks_where_the_loss_exceeds():
    a, b = trained(steps=200), trained(steps=200, seed=1)
    found = line(a, to=b, height="accuracy", size=31)
    chord = np.linspace(found["accuracy"][0, 0], found["accuracy"][0, -1], 31)
    assert found["barrier"] == pytest.approx([(chord - found["accuracy"][0]).max()])


@pytest.mark.parametrize("rank", [1, 3])
def test_along_an_eigenvector_of_a_quadratic(rank):
    t = trained(BOWL, 20)
    found = line(t, "eigenvector", rank=rank, size=11)
    values, vectors = torch.linalg.eigh(t.data.hessian)
    value, vector = float(values[-rank]), vectors[:, -rank]
    slope = float(t.w[-1] @ t.data.hessian @ vector)
    x, middle = found["position"], float(t.merit[-1])
    options = [middle + sign * slope * x + value * x**2 / 2 for sign in (1, -1)]  # its sign is free
    assert any(found["loss"][0] == pytest.approx(option, rel=1e-2) for option in options)
    assert found.attrs["eigenvalue"] == pytest.approx(value, rel=1e-3)
    assert value * x[-1] ** 2 / 2 == pytest.approx(9 * middle, rel=1e-2) and x[5] == 0


def test_random_and_given_directions():
    t = trained()
    given = line(t, "direction", direction=t.w[0] - t.w[-1], size=5)
    assert given["loss"][0, [2, 4]] == pytest.approx(t.merit[[-1, 0]].numpy(), rel=1e-9)
    found, other = (line(t, "random", size=3, seed=seed) for seed in (0, 1))
    weights = [part for name, part in NET.layout.views(t.w[-1]).items() if name.startswith("W")]
    reach = float(sum((w**2).sum() for w in weights)) ** 0.5  # every filter keeps its length, biases stay
    assert found["length"] == pytest.approx([2 * reach]) and found["loss"][0, 0] != other["loss"][0, 0]
    assert line(t, "random", size=3, reach=0.5)["position"].tolist() == [-0.5, 0, 0.5]


def test_an_early_end_keeps_what_was_measured():
    seen = []
    found = line(trained(), height="gradient_norm", memory=4 * 8 * 500, on_point=lambda n: seen.append(n) or n >= 3)
    assert np.isfinite(found["gradient_norm"][0]).sum() == seen[-1] == 3 and np.isnan(found["barrier"]).all()
    calls = []
    found = ring(on_point=lambda n: calls.append(n) or len(calls) > 2)  # while the curve is being shaped
    assert np.isfinite(found["loss"][0]).all() and np.isnan(found["loss"][1]).all()
    assert found["barrier"][0] == pytest.approx(1.0) and np.isfinite(found["middle"]).all()
    assert np.abs(found["middle"] - ring()["middle"]).max() > 0.1  # it is not yet where it would have gone


def with_nan():
    t = trained(BOWL, 3)
    w = t.w.clone()
    w[-1, 2] = torch.nan
    return replace(t, w=w)


@pytest.mark.parametrize(
    ("make", "say"),
    [
        (lambda: line(with_nan()), "1 of the 6 numbers of the last iterate are not finite"),
        (lambda: line(trained(BOWL), to=with_nan()), "are not finite"),
        (lambda: line(trained(BOWL), to=torch.ones(5)), "this run has 6 unknowns"),
        (lambda: line(t := trained(BOWL), to=t.w[-1]), "no length"),
        (lambda: line(trained(BOWL), "direction"), "needs direction="),
        (lambda: line(trained(BOWL), "eigenvector", rank=7), "choose one of 1 to 6"),
        (lambda: line(trained(BOWL), "circle"), "no line of kind 'circle'"),
        (lambda: line(trained(BOWL), size=1), "at least 2"),
        (lambda: line(trained(), memory=10), "allow that"),
        (lambda: line(sweep(catalog.method("gd"), BOWL, 2, seeds=range(2))), "pick a member"),
        (
            lambda: line(run(catalog.method("extragradient"), catalog.problem("bilinear_game"), 2), "curve"),
            "no one loss",
        ),
    ],
)
def test_says_what_to_do(make, say):
    with pytest.raises(AtlasError, match=say):
        make()
