from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.core.method import Method, with_fields
from widgetlib.core.words import AtlasError, Range
from widgetlib.engine.run import run, sweep

GD, ADAM, SAM = catalog.method("gd"), catalog.method("adam"), catalog.method("sam")
VALLEY, BOWL = catalog.problem("rosenbrock"), catalog.problem("quadratic", dimension=5)
NET = catalog.problem("digits_mlp", width=4, depth=1, subset=60)
RATES = [1e-4, 1e-3, 1e-2]


@dataclass(frozen=True, eq=False)
class Mixed(Method):
    """Descent with a field of every kind that cannot be batched."""

    lr: Annotated[float, Range(1e-5, 10.0, log=True)] = 1e-3
    times: Annotated[int, Range(1, 5)] = 1
    form: Literal["plain", "sign"] = "plain"
    halved: bool = False

    def step(self, oracle, w, s):
        for _ in range(self.times):
            g = oracle.grad(w)
            w = w - self.lr * (g.sign() if self.form == "sign" else g) / (2 if self.halved else 1)
        return w, s, {"slope": g.norm(dim=-1, keepdim=True)}


@dataclass(frozen=True, eq=False)
class Alone(Method):
    """Branches on its data: members cannot share a step."""

    lr: Annotated[float, Range(1e-5, 1.0, log=True)] = 1e-3
    batchable = False

    def step(self, oracle, w, s):
        g = oracle.grad(w)
        return w - self.lr * (g if float(g.sum()) > 0 else 2 * g), s, {}


def equal(t, index, alone):
    """Whether a member is the single run."""
    n = len(alone)
    assert torch.allclose(t.w[(slice(n), *index)], alone.w, rtol=1e-12, equal_nan=True)
    assert torch.allclose(t.merit[(slice(n), *index)], alone.merit, rtol=1e-12, equal_nan=True)


def test_a_grid_of_rates_and_seeds():
    bowl = catalog.problem("quadratic", dimension=4)
    t = sweep(ADAM, bowl, 6, {"lr": RATES, "beta1": [0.5, 0.9]}, seeds=[4, 9, 2, 7])
    assert t.dims == ("lr", "beta1", "seed") and t.w.shape == (7, 3, 2, 4, 4) and t.merit.shape == (7, 3, 2, 4)
    for i, lr in enumerate(RATES):
        for j, beta in enumerate((0.5, 0.9)):
            for m, seed in enumerate((4, 9, 2, 7)):
                equal(t, (i, j, m), run(catalog.method("adam", lr=lr, beta1=beta), bowl, 6, seed=seed))


def test_seeds_are_compared_in_pairs():
    """The same seed has the same start and the same batches at each rate."""
    t = sweep(GD, NET, 3, {"lr": RATES}, seeds=[5, 6], batch=10, dtype=torch.float64)
    assert torch.equal(t.w[0, 0], t.w[0, 2]) and not torch.equal(t.w[0, 0, 0], t.w[0, 0, 1])
    for i, lr in enumerate(RATES):
        equal(t, (i, 1), run(catalog.method("gd", lr=lr), NET, 3, seed=6, batch=10, dtype=torch.float64))


def test_starts():
    t = sweep(GD, VALLEY, 4, {"lr": RATES}, starts=["below", [1.0, 2.0]])
    assert t.dims == ("lr", "start") and t.w[0, :, 1].tolist() == [[1.0, 2.0]] * 3
    equal(t, (1, 0), run(catalog.method("gd", lr=RATES[1]), VALLEY, 4, start="below"))
    alone = sweep(GD, VALLEY, 4, starts=["below", "classic"], seeds=[1, 2])
    assert alone.dims == ("seed", "start") and torch.equal(alone.w[:, 0], alone.w[:, 1])


def test_nothing_to_sweep_over_is_a_run():
    assert torch.equal(sweep(GD, VALLEY, 3).w, run(GD, VALLEY, 3).w)


def test_dotted_names():
    t = sweep(SAM, BOWL, 5, {"base.lr": RATES, "rho": [0.01, 0.1]})
    equal(t, (2, 1), run(catalog.method("sam", rho=0.1, **{"base.lr": 1e-2}), BOWL, 5))


def test_fields_that_cannot_be_batched_are_looped():
    over = {"times": [1, 3], "lr": RATES, "form": ["plain", "sign"]}
    t = sweep(Mixed(), BOWL, 5, over, seeds=[0, 1])
    assert t.dims == ("times", "lr", "form", "seed") and t.w.shape == (6, 2, 3, 2, 2, 5)
    for a, times in enumerate((1, 3)):
        for i, lr in enumerate(RATES):
            for b, form in enumerate(("plain", "sign")):
                alone = run(Mixed(lr, times, form), BOWL, 5, seed=1)
                equal(t, (a, i, b, 1), alone)
                assert torch.allclose(t.info["slope"][:-1, a, i, b, 1], alone.info["slope"][:-1])
    assert t.cost["gradients"][-1].tolist() == [[[[5] * 2] * 2] * 3, [[[15] * 2] * 2] * 3]
    table = t.table()
    assert table.column("gradients").dims == ("step", *t.dims) and table["form"].tolist() == ["plain", "sign"]
    assert len(t.parts) == 4 and torch.equal(t.parts[3].at(2).w, t.w[2, 1, :, 1])
    with pytest.raises(AtlasError, match="replay one of its `parts`"):
        t.at(2)


def test_bases_are_swept_too():
    t = sweep(SAM, BOWL, 5, {"base": [SAM.base, catalog.method("adam")], "rho": [0.01, 0.1]})
    equal(t, (1, 0), run(catalog.method("sam", base="adam", rho=0.01), BOWL, 5))
    assert t.table()["base"].tolist() == t.attrs()["coords"]["base"] == [SAM.base.slug, "adam"]


def test_a_method_that_cannot_be_batched_is_looped_over_everything():
    t = sweep(Alone(), BOWL, 5, {"lr": RATES}, seeds=[3, 4])
    assert len(t.parts) == 6 and t.dims == ("lr", "seed")
    equal(t, (2, 1), run(Alone(RATES[2]), BOWL, 5, seed=4))
    wrapped = sweep(with_fields(SAM, {"base": Alone()}), VALLEY, 5, {"rho": [0.1, 0.2]}, starts=["below", "classic"])
    assert len(wrapped.parts) == 4
    equal(wrapped, (1, 0), run(with_fields(SAM, {"base": Alone(), "rho": 0.2}), VALLEY, 5, start="below"))


def test_members_that_diverge_leave_the_others_alone():
    t = sweep(GD, VALLEY, 100, {"lr": [1e-3, 10.0, 1e-4]})
    assert len(t) == 101 and t.diverged[0] == t.diverged[2] == -1 and 0 < t.diverged[1] < 20
    equal(t, (0,), run(catalog.method("gd", lr=1e-3), VALLEY, 100))


def test_parts_that_diverge_leave_the_others_alone():
    t = sweep(Mixed(lr=10.0), VALLEY, 100, {"halved": [False, True], "form": ["plain", "sign"]})
    ends = [len(part) for part in t.parts]
    assert min(ends) < 60 and max(ends) == 101 == len(t)
    for i, part in enumerate(t.parts):
        equal(t, divmod(i, 2), part)
        assert torch.isnan(t.merit[len(part) :].reshape(-1, 4)[:, i]).all()
        assert torch.isnan(t.w[len(part) :].reshape(-1, 4, 2)[:, i]).all()
    assert (t.diverged[:, 0] > 0).all() and (t.diverged[:, 1] == -1).all()
    assert (np.diff(t.cost["gradients"], axis=0) >= 0).all()


def test_parts_whose_checkpoints_differ():
    """Adam carries three times what GD carries: with the same budget it keeps fewer."""
    bases = {"base": [catalog.method("gd"), catalog.method("adam")]}
    t = sweep(SAM, BOWL, 60, bases, memory=61 * 5 * 8)
    assert [len(part.kept) for part in t.parts] == [61, 21] and t.kept.tolist() == list(range(0, 61, 3))
    assert torch.equal(t.w[4, 0], t.parts[0].at(12).w) and torch.equal(t.w[4, 1], t.parts[1].at(12).w)


def test_stopped():
    t = sweep(GD, VALLEY, 100, {"lr": RATES}, on_step=lambda r: r.stop() if r.k == 5 else None)
    assert t.stopped and len(t) == 6
    calls = []
    t = sweep(
        Mixed(), VALLEY, 10, {"times": [1, 2]}, on_step=lambda r: calls.append(r.k) or (len(calls) >= 4 and r.stop())
    )
    assert t.stopped and calls == [1, 2, 3, 4, 1] and [len(part) for part in t.parts] == [5, 2]


def test_members_can_be_picked_and_replayed():
    t = sweep(ADAM, NET, 9, {"lr": RATES, "beta1": [0.5, 0.9]}, seeds=[4, 7], batch=10, memory=200_000)
    assert len(t.kept) < 10
    point = t.at(7).member(2, 0, 1)
    alone = run(catalog.method("adam", lr=RATES[2], beta1=0.5), NET, 9, seed=7, batch=10)
    assert torch.allclose(point.w, alone.w[7], rtol=1e-4) and point.seeds == 7 and point.state.m.shape == point.w.shape
    assert torch.allclose(point.step().w, alone.w[8], rtol=1e-4)
    assert float(point.method.lr) == pytest.approx(RATES[2]) and float(point.method.beta2) == 0.999


@pytest.mark.parametrize(
    ("arguments", "say"),
    [
        ({"over": {"rl": RATES}}, r"did you mean lr\?"),
        ({"over": {"lr": []}}, "give at least one value"),
        ({"seeds": []}, "give at least one value"),
        ({"over": {"lr": [1e-3, 100.0]}}, "from 1e-05 to 10"),
        ({"over": {"lr": [float("nan")]}}, "not a number"),
        ({"over": {"lr": ["fast"]}}, "not a number"),
        ({"method": SAM, "over": {"base": ["adam"]}}, r"give wl\.method\('adam'\)"),
        ({"method": Mixed(), "over": {"form": ["round"]}}, "'plain', 'sign'"),
        ({"starts": [run(GD, VALLEY, 0).at(0)]}, r"run\(start=\.\.\.\)"),
        ({"starts": ["nowhere"]}, "choose one of"),
        ({"seeds": ["one"]}, "whole number"),
    ],
)
def test_says_what_to_do(arguments, say):
    with pytest.raises(AtlasError, match=say):
        sweep(**{"method": GD, "problem": VALLEY, "steps": 1} | arguments)


def test_a_point_of_a_sweep_is_no_start():
    with pytest.raises(AtlasError, match="member"):
        run(GD, VALLEY, 1, start=sweep(GD, VALLEY, 1, seeds=[1, 2]).at(1))
