from dataclasses import dataclass

import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.core.method import Method
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run
from widgetlib.measure.sharpness import Sharpness, sharpness

GD, ADAM = catalog.method("gd", lr=1e-3), catalog.method("adam")
VALLEY, BOWL = catalog.problem("rosenbrock"), catalog.problem("quadratic", dimension=5)
NET = catalog.problem("digits_mlp", width=4, depth=1, subset=60)


def test_follows_the_equation():
    t = run(GD, VALLEY, 3)
    w = torch.tensor([-1.2, 1.0], dtype=torch.float64)
    for k in range(4):
        assert torch.allclose(t.w[k], w) and torch.allclose(t.loss[k], VALLEY.loss(w, ()).squeeze())
        x = w.clone().requires_grad_()
        w = w - 1e-3 * torch.autograd.grad(VALLEY.loss(x, ()).sum(), x)[0]


def test_loss_is_that_of_the_full_batch_at_each_iterate():
    for batch in (None, 6):
        t = run(GD, NET, 5, batch=batch)
        assert torch.allclose(t.merit, NET.loss(t.w, t.data).squeeze(-1), rtol=1e-5)


def test_costs():
    t = run(ADAM, NET, 4, batch=6)
    assert t.cost["gradients"].tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert not t.cost["values"].any() and (np.diff(t.cost["seconds"]) > 0).all()


def test_the_same_seed_is_the_same_run_and_no_global_seed_matters():
    torch.manual_seed(1)
    once = run(ADAM, NET, 5, seed=3, batch=6)
    torch.manual_seed(2)
    assert torch.equal(once.w, run(ADAM, NET, 5, seed=3, batch=6).w)
    assert not torch.equal(once.w, run(ADAM, NET, 5, seed=4, batch=6).w)


def test_a_batch_of_all_samples_walks_with_the_full_batch():
    assert torch.allclose(run(GD, NET, 5, batch=60).w, run(GD, NET, 5).w, atol=1e-6)


def test_starts():
    assert run(GD, VALLEY, 0, start="below").w.tolist() == [[0.0, -0.8]]
    assert run(GD, VALLEY, 0, start=[1.0, 2.0]).w.tolist() == [[1.0, 2.0]]
    assert torch.equal(run(GD, NET, 0, seed=3).w[0], NET.start(seed=3))


def test_dtype():
    t = run(ADAM, NET, 2, dtype=torch.float64)
    assert {t.w.dtype, t.merit.dtype, t.data.x.dtype, t.states[-1].v.dtype} == {torch.float64}
    assert run(ADAM, NET, 2).w.dtype == torch.float32


def test_going_on_with_another_rate_keeps_the_state():
    first = run(ADAM, VALLEY, 10)
    t = run(catalog.method("adam", lr=1e-2), VALLEY, 5, start=first.at(10))
    assert t.steps.tolist() == list(range(10, 16)) and torch.equal(t.states[0].m, first.states[-1].m)
    assert torch.allclose(t.w[1] - t.w[0], 10 * (run(ADAM, VALLEY, 11).w[11] - first.w[10]))


def test_going_on_with_another_method_begins_its_state_anew():
    first = run(GD, VALLEY, 10)
    t = run(ADAM, VALLEY, 5, start=first.at(-1))
    assert t.steps[0] == 0 and torch.equal(t.w[0], first.w[-1]) and not t.states[0].m.any()
    wrapped = run(catalog.method("sam"), VALLEY, 10)
    t = run(catalog.method("sam", base="adam"), VALLEY, 5, start=wrapped.at(10))
    assert not t.states[0].m.any() and len(t) == 6


def test_going_on_in_another_dtype_takes_the_state_along():
    t = run(ADAM, NET, 3, start=run(ADAM, NET, 3).at(3), dtype=torch.float64)
    assert {t.w.dtype, t.states[0].m.dtype, t.states[-1].v.dtype} == {torch.float64} and t.steps[0] == 3


def test_divergence_is_a_result():
    t = run(catalog.method("gd", lr=10.0), VALLEY, 500)
    assert 2 < len(t) < 50, "it ends soon after no member is finite"
    assert t.diverged == t.steps[~np.isfinite(t.merit.numpy())][0] and not t.stopped
    assert run(GD, VALLEY, 5).diverged == -1


def test_on_step_sees_the_run_and_stops_it():
    seen = []

    def look(running):
        seen.append((running.k, running.point.k, len(running.trace()), running.left >= 0))
        if running.k == 3:
            running.stop()

    t = run(GD, VALLEY, 100, on_step=look)
    assert seen == [(1, 1, 2, True), (2, 2, 3, True), (3, 3, 4, True)]
    assert t.stopped and len(t) == 4 and torch.equal(t.w, run(GD, VALLEY, 3).w) and "stopped early" in repr(t)


def test_a_view_of_a_run_under_way_does_not_disturb_it():
    t = run(ADAM, NET, 5, batch=6, on_step=lambda running: running.trace().table())
    assert torch.equal(t.w, run(ADAM, NET, 5, batch=6).w)
    assert t.cost["values"][-1] == 0, "looking is free"


def test_progress(capsys):
    run(GD, VALLEY, 5, progress=True)
    assert capsys.readouterr().out.endswith("step 5 of 5, 0 s left   \n")
    run(GD, VALLEY, 50, progress=True, on_step=lambda running: running.stop())
    assert capsys.readouterr().out.count("\n") == 1, "a run that is stopped ends its line"
    run(GD, VALLEY, 5)
    assert capsys.readouterr().out == ""


def test_measures_look_on():
    t = run(GD, BOWL, 5, measure=[Sharpness(k=1, every=2)])
    assert t.measures["sharpness"]["step"].tolist() == [0, 2, 4, 5]
    assert t.measures["sharpness"].attrs["method"] == "gd"
    assert run(GD, BOWL, 0, measure=[Sharpness(k=1)]).measures["sharpness"]["step"].tolist() == [0]
    stopped = run(GD, BOWL, 50, measure=[Sharpness(k=1)], on_step=lambda r: r.stop() if r.k == 7 else None)
    assert stopped.measures["sharpness"]["step"].tolist() == [0, 7]
    assert sharpness(stopped, k=1, every=7)["gauge"] == pytest.approx(stopped.measures["sharpness"]["gauge"])


@dataclass(frozen=True, eq=False)
class Reports(Method):
    """Records two scalars."""

    def step(self, oracle, w, s):
        return w, s, {"k": oracle.k, "size": w.norm(dim=-1, keepdim=True)}


def test_info():
    t = run(Reports(), VALLEY, 3)
    assert t.info["k"][:3].tolist() == [0, 1, 2] and t.info["k"].isnan().tolist() == [False] * 3 + [True]
    assert t.table()["size"][:3] == pytest.approx([float(t.w[0].norm())] * 3)
    assert torch.allclose(t.merit, VALLEY.loss(t.w[0], ())), "the loss is there though the step never asked"
    assert run(Reports(), VALLEY, 0).info == {}


@pytest.mark.parametrize(
    ("arguments", "say"),
    [
        ({"steps": -1}, "0 or more"),
        ({"steps": 2.5}, "whole number"),
        ({"seed": 1.5}, "whole number"),
        ({"batch": 4}, "has no samples; leave batch out"),
        ({"problem": NET, "batch": 61}, "has 60 samples: choose from 1"),
        ({"problem": NET, "batch": 0}, "has 60 samples: choose from 1"),
        ({"start": "uper right"}, r"did you mean upper right\?"),
        ({"start": [1.0, 2.0, 3.0]}, "give 2 finite numbers"),
        ({"start": [1.0, float("nan")]}, "give 2 finite numbers"),
        ({"start": [[1.0, 2.0]]}, "give 2 finite numbers"),
        ({"start": {"x": 1}}, "give a name or 2 numbers"),
        ({"start": run(GD, BOWL, 0).at(0)}, "give 2 finite numbers"),
        ({"device": "abacus"}, "use device='cpu'"),
        ({"measure": ["sharpness"]}, r"wl\.measure\.Sharpness"),
        ({"measure": [sharpness]}, r"wl\.measure\.Sharpness"),
    ],
)
def test_says_what_to_do(arguments, say):
    with pytest.raises(AtlasError, match=say):
        run(**{"method": GD, "problem": VALLEY, "steps": 1} | arguments)


@dataclass(frozen=True, eq=False)
class Elsewhere(Method):
    """Asks for a world that minimisation does not offer."""

    def step(self, oracle: "Game", w, s):  # noqa: F821
        return w, s, {}


def test_a_problem_of_another_world():
    with pytest.raises(AtlasError, match="choose a problem of its world"):
        run(Elsewhere(), VALLEY, 1)


def test_a_method_of_another_world_is_refused():
    for entry in catalog.methods():
        fitting = {p.slug for p in catalog.fitting(entry)}
        other = next((p for p in catalog.problems() if p.slug not in fitting), None)
        if other is not None:
            with pytest.raises(AtlasError, match=r"asks for the world .* choose a problem of its world"):
                run(catalog.method(entry.slug), catalog.problem(other.slug), 1)
