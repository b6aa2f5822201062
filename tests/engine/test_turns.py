"""Sweeps that do not fit into their budget: members take turns, and nothing else changes."""

import math

import pytest
import torch

import widgetlib as wl
from widgetlib import catalog
from widgetlib.core.algebra import leaves
from widgetlib.core.point import Point, in_turns
from widgetlib.core.words import AtlasError
from widgetlib.engine import memory
from widgetlib.engine.run import run, sweep

ADAM, NET = catalog.method("adam", lr=1e-2), catalog.problem("digits_mlp", width=4, depth=1, subset=60)
RATES = [1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2, 6.4e-2]


@pytest.fixture
def crowded(monkeypatch):
    """Makes only so many members step together."""

    def only(most, batch=None):
        one = sweep(ADAM, NET, 0, {"lr": RATES[:1]}, seeds=[0], batch=batch, dtype=torch.float64).at(0)
        monkeypatch.setattr(memory, "CACHE", most * memory.allocated(one.step))

    return only


@pytest.mark.parametrize("lead", [(7,), (3, 7), (7, 3), (2, 3, 5), (1,)])
@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 20, 100])
def test_every_member_has_its_turn_once(lead, most):
    w = torch.arange(math.prod(lead) * 2, dtype=torch.float64).reshape(*lead, 2)
    state = (w[..., None] * torch.ones(3), (w,))  # matrices are states too
    point, seen = Point(ADAM, NET, 0, w, state, [[0] * lead[-1]] * lead[0] if len(lead) == 2 else 0), []

    def f(part):
        assert part.w.shape[:-1] == part.state[0].shape[:-2] and math.prod(part.w.shape[:-1]) <= most
        seen.extend(part.w[..., 0].flatten().tolist())
        return part.w + 1, (), part.state

    out, empty, (matrices, (same,)) = in_turns(f, point, most)
    assert sorted(seen) == w[..., 0].flatten().tolist(), "each once"
    assert torch.equal(out, w + 1) and empty == () and torch.equal(matrices, state[0]) and torch.equal(same, w)


@pytest.mark.parametrize("batch", [None, 10])
def test_turns_change_nothing(crowded, batch):
    """Seven rates and three seeds, four at a time: four divides neither."""
    options = {"seeds": [4, 9, 2], "batch": batch, "dtype": torch.float64}
    whole = sweep(ADAM, NET, 9, {"lr": RATES}, **options)
    crowded(4, batch)
    t = sweep(ADAM, NET, 9, {"lr": RATES}, **options)
    assert t.together == 4 and whole.together > 21
    assert torch.allclose(t.w, whole.w, rtol=1e-12, atol=1e-14) and torch.allclose(t.merit, whole.merit, rtol=1e-12)
    assert t.cost["gradients"].tolist() == whole.cost["gradients"].tolist()
    for x, y in zip(leaves(t.states[-1]), leaves(whole.states[-1]), strict=True):
        assert torch.allclose(x, y, rtol=1e-12, atol=1e-14)
    for i, lr in enumerate(RATES):
        alone = run(catalog.method("adam", lr=lr), NET, 9, seed=9, batch=batch, dtype=torch.float64)
        assert torch.allclose(t.w[:, i, 1], alone.w, rtol=1e-12, atol=1e-14)


def test_turns_are_replayed_saved_and_stopped(crowded, tmp_path):
    crowded(3, 10)
    t = sweep(ADAM, NET, 9, {"lr": RATES}, seeds=[4, 9], batch=10, dtype=torch.float64, memory=300_000)
    assert len(t.kept) < 10 and t.together < 14
    assert torch.equal(t.at(9).w, t.at(7).step().step().w)
    back = wl.load(t.save(tmp_path / "sweep"))
    assert back.together == t.together and torch.equal(back.at(7).w, t.at(7).w)
    stopped = sweep(ADAM, NET, 9, {"lr": RATES}, dtype=torch.float64, on_step=lambda r: r.stop() if r.k == 4 else None)
    assert stopped.stopped and len(stopped) == 5 and torch.isfinite(stopped.w).all()


def test_what_a_method_records_comes_from_every_turn(crowded):
    crowded(2)
    sam = catalog.method("sam")
    for method in (sam, catalog.method("shampoo")):
        t = sweep(method, NET, 3, seeds=range(7), dtype=torch.float64)
        alone = run(method, NET, 3, seed=5, dtype=torch.float64)
        assert torch.allclose(t.w[:, 5], alone.w, rtol=1e-10, atol=1e-12)
        for name, x in alone.info.items():
            assert torch.allclose(t.info[name][:-1, 5], x[:-1], rtol=1e-10)


def test_a_budget_counts_what_a_step_allocates():
    t = sweep(ADAM, NET, 20, {"lr": RATES}, dtype=torch.float64, memory=700_000)
    one = t.at(0).member(slice(0, 1))
    step, kept = memory.allocated(one.step), sum(memory.held(t.at(int(k))) for k in t.kept)
    assert step * t.together + kept <= 700_000 and 1 < t.together < 7 and 2 < len(t.kept) < 21


def test_a_budget_too_small_for_one_member():
    with pytest.raises(
        AtlasError, match=r"memory is 100000 bytes, but one member .* raise memory, or sweep over fewer"
    ):
        sweep(ADAM, NET, 5, {"lr": RATES}, dtype=torch.float64, memory=100_000)
    with pytest.raises(AtlasError, match="where they start take"):
        sweep(ADAM, catalog.problem("rosenbrock"), 5, starts=[[0.0, 0.0]] * 5000, memory=100_000)


def test_what_is_counted_as_allocated():
    x = torch.ones(1000, dtype=torch.float64, requires_grad=True)

    def there_and_back():
        with torch.enable_grad():
            y = (x.view(10, 100) * x.view(10, 100)).sum()  # 8000 bytes and 8
            torch.autograd.grad(y, x)  # each factor's own 8000, and their sum

    assert 0 < memory.allocated(lambda: x.view(10, 100).T) < 8, "a view is no new memory"
    assert memory.allocated(lambda: (x + 1).add_(1)) == pytest.approx(8000, abs=8), "nor is what is done in place"
    assert memory.allocated(there_and_back) == pytest.approx(4 * 8000, abs=64)
