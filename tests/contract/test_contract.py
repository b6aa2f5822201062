"""The contract, tested on every method of the catalogue; a new file in `methods/` is tested by being there.

A method whose `known_failures` names a check (the name of a test below without `test_`) is expected to fail
it, and fails the suite when it starts to pass.
"""

import numpy as np
import pytest
import torch
from cases import around, brisk, field, floats, net, rate, toy
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import path
from stand_ins import INVARIANCES, Counting, Seen

from widgetlib import catalog
from widgetlib.core.algebra import leaves, map_leaves
from widgetlib.core.method import fields_of, with_fields
from widgetlib.core.oracle import Cost
from widgetlib.core.trace import Point
from widgetlib.engine.run import run, sweep
from widgetlib.measure.sharpness import Sharpness
from widgetlib.measure.update_map import spectrum

SELECT = {  # checks that concern only some methods
    "reference": lambda e: "reference" in e.declared and e.world == "minimize",
    "law": lambda e: "stability_limit" in e.declared["defines"] and e.world == "minimize",
    "preconditioner": lambda e: "preconditioner" in e.declared["defines"],
}


def pytest_generate_tests(metafunc):
    """One case for each method, and for each of its float fields or invariances where a test asks for them."""
    if "entry" not in metafunc.fixturenames:
        return
    check = metafunc.function.__name__.removeprefix("test_")
    entries = [e for e in catalog.methods() if SELECT.get(check, lambda e: True)(e)]
    parts = {"name": floats, "invariance": lambda e: e.declared.get("invariances", ())}
    extra = [n for n in parts if n in metafunc.fixturenames]
    cases = []
    for e in entries:
        why = e.declared.get("known_failures", {}).get(check)
        marks = [pytest.mark.xfail(reason=why, strict=True)] if why else []
        if not extra:
            cases.append(pytest.param(e, id=e.slug, marks=marks))
        cases += [pytest.param(e, x, id=f"{e.slug}-{x}", marks=marks) for n in extra for x in parts[n](e)]
    metafunc.parametrize(["entry", *extra], cases)


def same(a, b):
    """Whether two nests of tensors are equal bit for bit."""
    pairs = zip(leaves(a), leaves(b), strict=True)
    return all(x.dtype == y.dtype and torch.equal(x, y) for x, y in pairs)


def distance(a, b):
    """The largest difference relative to the largest entry."""
    return float((a - b).abs().max() / b.abs().max().clamp_min(1e-300))


def start_of(entry, problem, lead=(), seeds=0):
    """A point of `problem` before step 0 with the given leading axes."""
    method, data = brisk(entry), problem.load()
    w = problem.start(seed=3)
    w = w + 0.01 * torch.randn(*lead, len(w), generator=torch.Generator().manual_seed(0), dtype=w.dtype)
    state = method.init(problem.oracle(problem, data, 0, seeds), w)
    return Point(method, problem, 0, w, state, seeds, None, data)


def test_declarations(entry):
    assert entry.title and entry.equation, "a title, and the update between $$ in the docstring"
    assert entry.idea.endswith(".") and entry.idea.count(". ") == 0, "the idea is one sentence"
    assert entry.paper.get("title") and 1800 < entry.paper["year"] < 2100, "title and year of the paper"
    assert entry.family == entry.path.parent.name, "the family is the folder"
    assert catalog.fitting(entry), f"no problem offers {entry.world!r}"
    for f in entry.fields:
        assert f.kind in ("bool", "method") or f.range or f.choices, f"{f.name} needs a Range or choices"
        assert f.check(f.default, entry.slug) == f.default
    checks = {n.removeprefix("test_") for n in globals() if n.startswith("test_")}
    assert set(entry.declared.get("known_failures", {})) <= checks, "known_failures names checks of this file"


def test_shapes(entry):
    point = start_of(entry, net(entry), (2, 3), [[0, 1, 2]])
    keys = None
    for _ in range(3):
        w, state, info = point.method.step(point.oracle(), point.w, point.state)
        assert w.shape == point.w.shape and w.dtype == point.w.dtype
        assert all(x.shape[:2] == (2, 3) for x in leaves(state)), "state has w's leading axes"
        assert all(torch.as_tensor(x).expand(2, 3, 1).shape == (2, 3, 1) for x in info.values())
        assert keys in (None, info.keys()), "info has the same keys at each step"
        keys, point = info.keys(), point.step()


def test_dtype(entry, name):
    t = sweep(brisk(entry), net(entry), 3, {name: around(entry, name, 3)}, dtype=torch.float32)
    floating = [x for x in leaves(t.states[-1]) if x.is_floating_point()]
    assert {x.dtype for x in (t.w, t.merit, *floating)} == {torch.float32}


def test_purity(entry):
    point = start_of(entry, net(entry))
    for _ in range(3):
        before = map_leaves(torch.clone, (point.w, point.state))
        once, again = (point.method.step(point.oracle(), point.w, point.state) for _ in range(2))
        assert same(before, (point.w, point.state)), "step writes into w or state"
        assert same(once[:2], again[:2]), "step is not a function of its arguments"
        point = point.step()


@pytest.mark.parametrize("batch", [None, 6])
def test_resume(entry, batch):
    method, problem = brisk(entry), net(entry)
    whole = run(method, problem, 40, seed=5, batch=batch)
    first = run(method, problem, 25, seed=5, batch=batch)
    rest = run(method, problem, 15, seed=5, batch=batch, start=first.at(25))
    assert torch.equal(rest.w, whole.w[25:]) and torch.equal(rest.merit, whole.merit[25:])
    assert same(rest.states[-1], whole.states[-1]) and rest.steps.tolist() == list(range(25, 41))


@pytest.mark.parametrize("batch", [None, 6])
def test_replay(entry, batch):
    method, problem = brisk(entry), net(entry)
    whole = run(method, problem, 40, seed=5, batch=batch)
    sparse = run(method, problem, 40, seed=5, batch=batch, memory=whole.w.numel() * 4 // 10)
    assert len(sparse.kept) < 21, "the budget does not force a stride"
    for k in (0, 1, 19, 38, 40):
        assert same((sparse.at(k).w, sparse.at(k).state), (whole.w[k], whole.states[k]))
    assert [p.k for p in sparse.points(9)] == [0, 9, 18, 27, 36, 40]
    assert all(torch.equal(p.w, whole.w[p.k]) for p in sparse.points(9))


def agree(t, members):
    """Member i of a sweep equals the single run, to rounding."""
    for i, alone in enumerate(members):
        assert distance(t.w[:, i], alone.w) < 1e-12 and distance(t.merit[:, i], alone.merit) < 1e-12
        for column, x in t.info.items():
            assert distance(x[:-1, i], alone.info[column][:-1]) < 1e-12


def test_batched_equals_looped(entry, name):
    method, problem, values = brisk(entry), net(entry), around(entry, name, 7)
    t = sweep(method, problem, 12, {name: values}, dtype=torch.float64)
    assert t.w.shape == (13, 7, problem.layout.size)
    agree(t, (run(with_fields(method, {name: v}), problem, 12, dtype=torch.float64) for v in values))


@pytest.mark.parametrize("batch", [None, 6])
def test_seeds_batched_equal_looped(entry, batch):
    method, problem = brisk(entry), net(entry)
    t = sweep(method, problem, 12, seeds=range(7), batch=batch, dtype=torch.float64)
    agree(t, (run(method, problem, 12, seed=i, batch=batch, dtype=torch.float64) for i in range(7)))


def test_cost(entry):
    problem = Counting(toy(entry))
    point = start_of(entry, problem)
    for k in range(12):
        cost, before = Cost(), dict(problem.counts)
        with torch.no_grad():
            w, state, _ = point.method.step(point.oracle(cost), point.w, point.state)
        spent = {n: problem.counts[n] - before[n] for n in before}
        assert vars(cost) == spent, f"step {k} is charged {cost} and spends {spent}"
        point = Point(point.method, problem, k + 1, w, state, data=point.data)


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


def edge(point, name):
    """The rate at which the method's limit equals its gauge at `point`, by bisection."""

    def above(lr):
        meter = Sharpness(k=0)
        meter.observe(Point(with_fields(point.method, {name: lr}), point.problem, point.k, point.w, point.state, data=point.data))
        return meter.rows[0]["gauge"] > meter.rows[0]["limit"]

    low, high = 1e-8, 1e8
    for _ in range(60):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if above(middle) else (middle, high)
    return low


def escaped(values):
    """Whether a mode is outside the unit circle away from +1: through -1 or as a complex pair."""
    return any(abs(mu) > 1 + 1e-9 and (mu.real < 0 or abs(mu.imag) > 1e-9) for mu in values)


@pytest.mark.parametrize("k", [0, 1, 10, 60])
def test_law(entry, k):
    method, name = brisk(entry), rate(entry)
    point = run(method, catalog.problem("quadratic", dimension=5, condition=30.0), k).at(k)
    oracle = point.oracle()
    if method.gauge != "sharpness" or method.stability_limit(oracle, point.w, point.step().state) is None:
        pytest.skip("its law bounds another gauge than sharpness")
    lr = edge(point, name)
    below, beyond = (
        spectrum(Point(with_fields(method, {name: x * lr}), point.problem, k, point.w, point.state, data=point.data), True, 50)
        for x in (0.99, 1.01)
    )
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
@pytest.mark.parametrize("make", [toy, lambda e: catalog.problem("rosenbrock")], ids=["toy", "rosenbrock"])
def test_invariances(entry, invariance, make, seed):
    assert invariance in INVARIANCES, f"no transformation {invariance!r}: add it to stand_ins.py"
    problem, method = make(entry), catalog.method(entry.slug)
    if invariance == "loss_scale":
        method = with_fields(method, {n: 0.0 for n in fields_of(method) if n.rpartition(".")[2] == "eps"})
    there, back, factor = INVARIANCES[invariance](torch.Generator().manual_seed(seed), problem.layout.size)
    start = problem.start()
    plain = run(method, problem, 25, start=start)
    seen = run(method, Seen(problem, there, factor), 25, start=back(start))
    assert distance(there(seen.w), plain.w) < 1e-9


def test_preconditioner(entry):
    method = brisk(entry)
    momentum = [n for n in floats(entry) if n.rpartition(".")[2] in ("beta", "beta1", "momentum")]
    method = with_fields(method, dict.fromkeys(momentum, 0.0))
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
    assert distance(point.w - after.w, step) < 1e-10, "without momentum the step is lr P⁻¹ g"


def test_rates_have_a_field(entry):
    """Every law, card and sweep of rates finds the rate by this name."""
    assert rate(entry) is None or field(entry, rate(entry)).range.log
