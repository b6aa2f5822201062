"""Runs that record each n-th iterate alone."""

import numpy as np
import pytest
import torch

import widgetlib as wl
from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run, sweep

ADAM, SAM = catalog.method("adam"), catalog.method("sam")
VALLEY, NET = catalog.problem("rosenbrock"), catalog.problem("digits_mlp", width=4, depth=1, subset=60)


@pytest.mark.parametrize(("problem", "batch"), [(VALLEY, None), (NET, 10)])
def test_the_rows_are_those_of_the_full_record(problem, batch, tmp_path):
    whole, t = run(ADAM, problem, 10, batch=batch), run(ADAM, problem, 10, batch=batch, every=4)
    assert t.steps.tolist() == [0, 4, 8, 10] and t.kept.tolist() == [0, 4, 8]
    assert torch.equal(t.merit, whole.merit[t.steps]) and torch.equal(t.w, whole.w[t.kept])
    for name in ("values", "gradients", "products"):
        assert t.cost[name].tolist() == pytest.approx(whole.cost[name][t.steps].tolist())
    for k in (3, 8, 10):
        assert torch.equal(t.at(k).w, whole.w[k])
    assert t.table()["step"].tolist() == [0, 4, 8, 10]
    assert torch.equal(wl.load(t.save(tmp_path / "run")).merit, t.merit)


def test_the_full_loss_is_worked_out_only_where_it_is_recorded(monkeypatch):
    asked = []
    loss = type(NET).loss
    monkeypatch.setattr(type(NET), "loss", lambda self, w, data: asked.append(len(data[0])) or loss(self, w, data))
    run(ADAM, NET, 10, batch=10, every=5)
    assert asked.count(60) == 3


def test_going_on_and_stopping_between():
    t = run(ADAM, VALLEY, 7, start=run(ADAM, VALLEY, 10).at(10), every=3)
    assert t.steps.tolist() == [10, 13, 16, 17]
    seen = []
    t = run(
        ADAM, VALLEY, 9, every=4, on_step=lambda r: seen.append(r.trace().steps.tolist()) or (r.k == 6 and r.stop())
    )
    assert t.steps.tolist() == [0, 4, 6] and seen[:5] == [[0, 1], [0, 2], [0, 3], [0, 4], [0, 4, 5]]


def test_checkpoints_stay_among_the_recorded():
    t = run(ADAM, VALLEY, 60, every=3, memory=10 * 3 * 16)
    assert 2 < len(t.kept) < 11 and set(t.kept) <= set(t.steps)
    assert torch.equal(t.at(50).w, run(ADAM, VALLEY, 50).w[-1])


def test_info_belongs_to_the_step_from_its_row():
    whole = sweep(SAM, VALLEY, 9, {"rho": [0.01, 0.1]})
    t = sweep(SAM, VALLEY, 9, {"rho": [0.01, 0.1]}, every=2)
    for name, x in t.info.items():
        assert torch.equal(x[:-1], whole.info[name][t.steps[:-1]]) and torch.isnan(x[-1]).all()


def test_parts_that_end_between_two_rows():
    """A looped sweep whose first part is lost at once: its cost stays, its merit is not a number any more."""
    bases = {"base": [catalog.method("gd", lr=10.0), catalog.method("gd", lr=1e-3)]}
    t = sweep(SAM, VALLEY, 25, bases, every=15)
    assert [part.steps.tolist() for part in t.parts] == [[0, 15, 20], [0, 15, 25]], "as many rows, of other steps"
    assert t.steps.tolist() == [0, 15, 25] and torch.isnan(t.merit[2, 0]) and torch.isfinite(t.merit[:, 1]).all()
    assert t.cost["gradients"][-1, 0] == t.parts[0].cost["gradients"][-1]
    assert (np.diff(t.cost["gradients"], axis=0) >= 0).all()


@pytest.mark.parametrize("every", [0, -1, 1.5, "often"])
def test_says_what_to_do(every):
    with pytest.raises(AtlasError, match="whole number of steps, 1 or more"):
        run(ADAM, VALLEY, 5, every=every)


def test_a_seed_beyond_63_bits():
    with pytest.raises(AtlasError, match="at most 63 bits"):
        run(ADAM, VALLEY, 5, seed=2**63)


def test_measures_of_a_sparse_record_are_those_of_the_full_one():
    whole, t = run(ADAM, VALLEY, 60), run(ADAM, VALLEY, 60, every=20)
    assert t.span == whole.span == 60 and repr(t) == repr(whole)
    here = wl.measure.plane(t, "coordinates", 5)
    assert here["path_loss"].tolist() == whole.merit[[0, 20, 40, 60]].tolist()
    assert wl.measure.gradient(t)["loss"].tolist() == here["path_loss"].tolist()
    looks = [wl.measure.sharpness(x, k=1) for x in (t, whole)]
    assert np.array_equal(looks[0]["step"], looks[1]["step"])
    np.testing.assert_allclose(looks[0]["eigenvalue"], looks[1]["eigenvalue"], rtol=1e-6)
