from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from scipy.sparse import linalg as sparse

from widgetlib import catalog
from widgetlib.core.algebra import leaves, map_leaves
from widgetlib.core.layout import Layout
from widgetlib.core.method import Method
from widgetlib.core.problem import Problem
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run, sweep
from widgetlib.measure import update_map as module
from widgetlib.measure.update_map import UpdateMap, spectrum, update_map

BOWL = catalog.problem("quadratic", dimension=20, condition=30.0)
CASES = [("gd", {"lr": 0.05}), ("heavy_ball", {"lr": 0.05}), ("adam", {"lr": 0.05}), ("sam", {"base.lr": 0.05})]


def moved(slug, fields, problem=BOWL, steps=8):
    return run(catalog.method(slug, **fields), problem, steps).at(steps)


def differences(point):
    """The Jacobian of the whole step by central differences: no graph, no transpose."""
    parts = [point.w, *leaves(point.state)]
    flat = torch.cat(parts)

    def step(x):
        rest = iter(x.split([len(p) for p in parts]))
        here = replace(point, w=next(rest), state=map_leaves(lambda _: next(rest), point.state)).step()
        return torch.cat([here.w, *leaves(here.state)])

    widths = 1e-5 * flat.abs() + 1e-12  # relative: a second moment may be tiny
    columns = [(step(flat + e) - step(flat - e)) / (2 * h) for h, e in zip(widths, widths.diag(), strict=True)]
    return torch.stack(columns, dim=1).numpy()


@pytest.mark.parametrize(("slug", "fields"), CASES)
@pytest.mark.parametrize("exact", [0, 1000])
def test_full_map_against_differences(slug, fields, exact, monkeypatch):
    monkeypatch.setattr(module, "EXACT", exact)
    point = moved(slug, fields)
    found = spectrum(point, False, 5, tol=1e-9)
    wanted = np.linalg.eigvals(differences(point))
    for value in found.values:  # each is an eigenvalue, and none farther out was missed
        assert np.abs(wanted - value).min() < 1e-5
    assert np.abs(found.values - 1) == pytest.approx(np.sort(np.abs(wanted - 1))[::-1][:5], abs=1e-5)
    assert (found.residuals < 1e-6).all() and found.unknowns == len(wanted)
    if exact:
        assert found.largest_real == pytest.approx(wanted.real.max(), abs=1e-5)


@pytest.mark.parametrize("exact", [0, 1000])
def test_frozen_map_against_its_matrix(exact, monkeypatch):
    """Adam with P held constant: m' = β m + (1 - β) H w, w' = w - lr P⁻¹ m'."""
    monkeypatch.setattr(module, "EXACT", exact)
    point = moved("adam", {"lr": 0.05})
    h, p = BOWL.load().hessian, point.method.preconditioner(point.oracle(), point.w, point.step().state).p
    eye = torch.eye(20, dtype=torch.float64)
    to_m = torch.cat([0.1 * h, 0.9 * eye], dim=1)
    to_w = torch.cat([eye, 0 * eye], dim=1) - 0.05 * to_m / p[:, None]
    wanted = np.linalg.eigvals(torch.cat([to_w, to_m]).numpy())
    found = spectrum(point, True, 6, tol=1e-9)
    assert found.unknowns == 40, "the second moment is held: it is no unknown"
    assert np.abs(found.values - 1) == pytest.approx(np.sort(np.abs(wanted - 1))[::-1][:6], abs=1e-7)


@dataclass(frozen=True, eq=False)
class OneDead(Problem):
    """A bowl of three coordinates, and a fourth that the loss does not see."""

    layout = Layout({"w": (4,)})

    def draw(self, generator):
        return torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=self.dtype)

    def loss(self, w, data):
        return (torch.tensor([0.5, 1.0, 2.0]).to(w) * w[..., :3] ** 2).sum(-1, keepdim=True)


def test_dead_coordinates_change_no_other_mode():
    """A gradient of exactly zero meets the infinite slope of the root at zero."""
    point = moved("adam", {"lr": 0.05}, OneDead())
    assert point.state.v[3] == 0
    alive = replace(point, state=point.state._replace(v=point.state.v.index_fill(-1, torch.tensor([3]), 1.0)))
    found, wanted = spectrum(point, False, 12).values, spectrum(alive, False, 12).values
    assert np.isfinite(found).all()
    assert np.sort_complex(np.round(found, 6)) == pytest.approx(np.sort_complex(np.round(wanted, 6)), abs=1e-5)


@dataclass(frozen=True, eq=False)
class Detached(Method):
    """Descent whose step hides from the meter: its gradient, or its iterate."""

    what: str = "gradient"

    def step(self, oracle, w, s):
        if self.what == "gradient":
            return w - 0.1 * oracle.grad(w).detach(), s, {}
        return w.detach() - 0.1 * oracle.grad(w.detach()), s, {}


@pytest.mark.parametrize("what", ["gradient", "iterate"])
@pytest.mark.parametrize("hold", [True, False])
def test_a_step_that_detaches_is_refused(what, hold):
    with pytest.raises(AtlasError, match="cannot be linearised"):
        spectrum(run(Detached(what), BOWL, 2).at(2), hold)


def test_what_arpack_did_not_find_is_nan(monkeypatch):
    monkeypatch.setattr(module, "EXACT", 0)
    point = moved("gd", {"lr": 0.05})

    def tired(operator, **options):
        values, vectors = np.linalg.eig(np.stack([operator.matvec(e) for e in np.eye(20)], axis=1))
        last = np.argsort(-np.abs(values))[:2]
        raise sparse.ArpackNoConvergence("tired", values[last], vectors[:, last])

    monkeypatch.setattr(sparse, "eigs", tired)
    found = spectrum(point, True, 4)
    assert found.values[:2] == pytest.approx([1 - 0.05 * 30, 1 - 0.05 * 30 ** (18 / 19)])
    assert np.isnan(found.values[2:]).all() and np.isnan(found.residuals[2:]).all()


def test_table_along_a_run():
    t = run(catalog.method("heavy_ball", lr=0.1), BOWL, 10)
    found = update_map(t, every=5, modes=3)
    assert found["step"].tolist() == [0, 5, 10] and found["frozen"].shape == (3, 3)
    assert found["frozen"] == pytest.approx(found["full"]), "nothing is slow in heavy ball"
    assert found.attrs["exact"] and found.attrs["unknowns"] == 40
    assert (found["largest_real"] >= found["full"].real.max(1)).all()


def test_small_maps_have_fewer_modes_and_nothing_seen_is_an_empty_table():
    t = run(catalog.method("gd"), catalog.problem("rosenbrock"), 1)
    assert update_map(t, modes=6)["full"].shape == (2, 2)
    assert UpdateMap(modes=6).table({})["full"].shape == (0, 6)


def test_points_that_are_not_finite_are_passed_over():
    t = run(catalog.method("gd", lr=10.0), catalog.problem("rosenbrock"), 30)
    assert 0 < len(update_map(t, every=1)["step"]) < 30


def test_a_sweep_is_refused():
    with pytest.raises(AtlasError, match="pick a member"):
        update_map(sweep(catalog.method("gd"), BOWL, 1, seeds=range(2)))
