"""What a method says of itself, held against what it does: reference, law, preconditioner, invariances."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from cases import brisk, distance, fits, floats, net, other, rate, toy
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import path
from stand_ins import INVARIANCES, Seen

from widgetlib import catalog
from widgetlib.core.method import fields_of, with_fields
from widgetlib.engine.run import run
from widgetlib.measure.sharpness import Sharpness
from widgetlib.measure.update_map import spectrum


@pytest.mark.parametrize("make", [toy, net])
def test_reference(entry, make):
    method, problem = brisk(entry), make(entry)
    pytest.importorskip(method.reference[0].partition(".")[0])
    t = run(method, problem, 200, dtype=torch.float64)
    there, back = (path(method, problem, t.w[0], 200, order) for order in (1, -1))
    gap = float((there - back).abs().max())  # what the order of summation alone changes
    moved = float((t.w[-1] - t.w[0]).abs().max())
    assert moved > 1e-2, "the run stands still: nothing is compared"
    assert float((t.w - there).abs().max()) < max(1e-10, 100 * gap)


def at_rate(point, name, lr):
    """The point under the same method with another rate."""
    return replace(point, method=with_fields(point.method, {name: lr}))


def edge(point, name):
    """The rate at which the method's limit equals its gauge at `point`, by bisection."""
    low, high = 1e-8, 1e8
    for _ in range(60):
        middle = (low * high) ** 0.5
        meter = Sharpness(k=0)
        meter.observe(at_rate(point, name, middle))
        above = meter.rows[0]["gauge"] > meter.rows[0]["limit"]
        low, high = (low, middle) if above else (middle, high)
    return low


def escaped(values):
    """Whether a mode is outside the unit circle away from +1: through -1 or as a complex pair."""
    return any(abs(mu) > 1 + 1e-9 and (mu.real < 0 or abs(mu.imag) > 1e-9) for mu in values)


@pytest.mark.parametrize("k", [0, 1, 10, 60])
def test_law(entry, k):
    method, name = brisk(entry), rate(entry)
    point = run(method, catalog.problem("quadratic", dimension=5, condition=30.0), k).at(k)
    limit = method.stability_limit(point.oracle(), point.w, point.step().state)
    if method.gauge != "sharpness" or limit is None or not torch.as_tensor(limit).isfinite():
        pytest.skip("its law bounds another gauge than sharpness, or it has no limit at this point (NaN)")
    lr = edge(point, name)
    below, beyond = (spectrum(at_rate(point, name, x * lr), True, modes=50) for x in (0.99, 1.01))
    assert not escaped(below.values), f"below its edge {lr:.4g}: {below.values}"
    assert escaped(beyond.values), f"beyond its edge {lr:.4g}: {beyond.values}"


def test_meter(entry):
    """Any step can be linearised, dead coordinates (constant pixels) included, and its own way of asking shows."""
    t = run(brisk(entry), net(entry), 20, dtype=torch.float64)
    for k in (0, 20):
        for hold in (True, False):
            modes = spectrum(t.at(k), hold, modes=2)
            assert np.isfinite(modes.values).all() and (np.abs(modes.values - 1) > 1e-12).any()


@settings(max_examples=8)
@given(seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("slug", ["quadratic", "rosenbrock"])
def test_invariances(entry, invariance, slug, seed):
    assert invariance in INVARIANCES, f"no transformation {invariance!r}: add it to stand_ins.py"
    problem = catalog.problem(slug) if fits(entry, slug) else other(entry)
    method = catalog.method(entry.slug)
    if invariance in ("loss_scale", "affine"):  # what is added to a denominator has a scale of its own
        added = [n for n in fields_of(method) if n.rpartition(".")[2] in ("eps", "mu")]
        method = with_fields(method, dict.fromkeys(added, 0.0))
    there, back, factor = INVARIANCES[invariance](torch.Generator().manual_seed(seed), problem.layout.size)
    start = problem.start()
    plain = run(method, problem, 25, start=start)
    seen = run(method, Seen(problem, there, factor), 25, start=back(start))
    assert distance(there(seen.w), plain.w) < 1e-9


def test_preconditioner(entry):
    method = brisk(entry)
    beside = [n for n in floats(entry) if n.rpartition(".")[2] in ("beta", "beta1", "momentum", "weight_decay")]
    method = with_fields(method, dict.fromkeys(beside, 0.0))
    point = run(method, toy(entry), 5).at(5)
    after = point.step()
    p = method.preconditioner(point.oracle(), point.w, after.state)
    if p is None:
        pytest.skip("no preconditioner around its default base")
    x, y = torch.randn(2, len(point.w), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert p.solve(x).shape == x.shape and float(x @ p.solve(x)) > 0
    assert torch.allclose(x @ p.solve(y), y @ p.solve(x), rtol=1e-12)
    assert torch.allclose(p.inv_sqrt(p.inv_sqrt(x)), p.solve(x), rtol=1e-12)
    step = fields_of(method)[rate(entry)] * p.solve(point.oracle().grad(point.w))
    assert distance(point.w - after.w, step) < 1e-10, "without momentum and decay the step is lr P⁻¹ g"
