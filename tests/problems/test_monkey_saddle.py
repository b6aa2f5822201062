import pytest
import torch

from widgetlib import catalog
from widgetlib.engine.run import run

SADDLE = catalog.problem("monkey_saddle")


def hessian(problem, w):
    return torch.func.hessian(lambda w: problem.loss(w, ()).sum())(torch.tensor(w, dtype=torch.float64))


def test_slope_and_hessian_vanish_at_the_saddle():
    assert SADDLE.loss_and_grad(torch.zeros(2, dtype=torch.float64), ())[1].abs().max() == 0
    assert hessian(SADDLE, (0.0, 0.0)).abs().max() == 0


@pytest.mark.parametrize("c", [0.5, 1.0, 2.0])
def test_ends_of_the_three_ways_down(c):
    problem = catalog.problem("monkey_saddle", c=c)
    assert len(problem.minima) == 3
    for m in problem.minima:
        w = torch.tensor(m, dtype=torch.float64)
        assert float(problem.loss(w, ())) == pytest.approx(-27 / (4 * c**3)) and float(w.norm()) == pytest.approx(3 / c)
        assert torch.linalg.eigvalsh(hessian(problem, m)).tolist() == pytest.approx([9 / c, 27 / c])
        assert problem.loss_and_grad(w, ())[1].abs().max() < 1e-12


def test_without_confinement_it_is_the_classical_saddle_and_has_no_minimum():
    problem = catalog.problem("monkey_saddle", c=0.0)
    assert problem.minima == ()
    w = torch.tensor([-50.0, 0.0], dtype=torch.float64)
    assert float(problem.loss(w, ())) == -(50.0**3)


def test_a_ridge_leads_into_the_saddle_and_what_is_beside_it_down():
    method = catalog.method("gd", lr=0.02)
    on, beside = (run(method, SADDLE, 3000, start=s) for s in ("on the ridge", "beside the ridge"))
    assert on.w[-1].abs().max() < 0.01 and (on.w[:, 1] == 0).all()
    assert float(beside.merit[-1]) == pytest.approx(-27 / 4, abs=1e-6)
