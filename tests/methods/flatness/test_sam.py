import pytest
import torch

from widgetlib import catalog
from widgetlib.core.method import with_fields
from widgetlib.engine.run import run

BOWL = catalog.problem("quadratic", dimension=5, condition=30.0)


def limit(method, point):
    return float(method.stability_limit(point.oracle(), point.w, point.step().state))


def test_its_edge_lies_below_its_bases_and_meets_it_as_the_radius_vanishes():
    method = catalog.method("sam", rho=0.05, **{"base.lr": 0.02})
    point = run(method, BOWL, 20).at(20)
    assert limit(method, point) < 2 / 0.02
    assert limit(with_fields(method, {"rho": 1e-9}), point) == pytest.approx(2 / 0.02, rel=1e-6)


def test_states_no_law_around_a_preconditioned_base():
    method = catalog.method("sam", base="adam")
    point = run(method, BOWL, 3).at(3)
    assert method.stability_limit(point.oracle(), point.w, point.state) is None
    assert method.preconditioner(point.oracle(), point.w, point.state) is not None


def test_stands_still_where_the_gradient_vanishes():
    t = run(catalog.method("sam"), BOWL, 3, start=[0.0] * 5)
    assert torch.isfinite(t.w).all() and t.w.abs().max() < 1e-10


def test_costs_two_gradients_a_step():
    t = run(catalog.method("sam"), BOWL, 7)
    assert t.cost["gradients"].tolist() == list(range(0, 15, 2))
