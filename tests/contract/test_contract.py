"""The contract: what every step must be, tested on each method of the catalogue by its being there."""

import re
from pathlib import Path

import torch
from cases import around, batches, brisk, distance, field, net, rate, toy
from stand_ins import Counting, Forgetful

from widgetlib import catalog
from widgetlib.core.algebra import leaves, map_leaves
from widgetlib.core.method import with_fields
from widgetlib.core.oracle import Cost
from widgetlib.core.trace import Point
from widgetlib.engine.run import run, sweep


def same(a, b):
    """Whether two nests of tensors are equal bit for bit."""
    pairs = zip(leaves(a), leaves(b), strict=True)
    return all(x.dtype == y.dtype and torch.equal(x, y) for x, y in pairs)


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
    here = "".join(p.read_text(encoding="utf-8") for p in Path(__file__).parent.glob("test_*.py"))
    unknown = set(entry.declared.get("known_failures", {})) - set(re.findall(r"def test_(\w+)\(entry", here))
    assert not unknown, "known_failures names tests of this folder"
    assert rate(entry) is None or field(entry, rate(entry)).range.log, "rates are searched in factors"


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
    floating = [x for x in leaves((*t.parts, t)[0].states[-1]) if x.is_floating_point()]
    assert {x.dtype for x in (t.w, t.merit, *floating)} == {torch.float32}


def test_purity(entry):
    point = start_of(entry, net(entry))
    for _ in range(3):
        before = map_leaves(torch.clone, (point.w, point.state))
        once, again = (point.method.step(point.oracle(), point.w, point.state) for _ in range(2))
        assert same(before, (point.w, point.state)), "step writes into w or state"
        assert same(once[:2], again[:2]), "step is not a function of its arguments"
        point = point.step()


def test_resume(entry):
    method, problem = brisk(entry), net(entry)
    for batch in batches(problem):
        whole = run(method, problem, 40, seed=5, batch=batch)
        first = run(method, problem, 25, seed=5, batch=batch)
        rest = run(method, problem, 15, seed=5, batch=batch, start=first.at(25))
        assert torch.equal(rest.w, whole.w[25:]) and torch.equal(rest.merit, whole.merit[25:])
        assert same(rest.states[-1], whole.states[-1]) and rest.steps.tolist() == list(range(25, 41))


def test_replay(entry):
    method, problem = brisk(entry), net(entry)
    for batch in batches(problem):
        whole = run(method, problem, 40, seed=5, batch=batch)
        sparse = run(method, problem, 40, seed=5, batch=batch, memory=whole.w.numel() * 8 // 10)
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


def test_seeds_batched_equal_looped(entry):
    method, problem = brisk(entry), net(entry)
    for batch in batches(problem):
        t = sweep(method, problem, 12, seeds=range(7), batch=batch, dtype=torch.float64)
        agree(t, (run(method, problem, 12, seed=i, batch=batch, dtype=torch.float64) for i in range(7)))


def test_cost(entry):
    problem = Counting(toy(entry))
    point = start_of(entry, problem)
    for k in range(12):
        cost, before = Cost(), dict(problem.counts)
        oracle = point.oracle(cost)
        oracle.tape = Forgetful()
        with torch.no_grad():
            w, state, _ = point.method.step(oracle, point.w, point.state)
        spent = {n: problem.counts[n] - before[n] for n in before}
        assert vars(cost) == spent, f"step {k} is charged {cost} and spends {spent}"
        point = Point(point.method, problem, k + 1, w, state, data=point.data)
