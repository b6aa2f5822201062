import pytest
import torch

from widgetlib import catalog
from widgetlib.engine.run import run

HILLS = catalog.problem("himmelblau")


def curvatures(point):
    w = torch.tensor(point, dtype=torch.float64)
    return torch.linalg.eigvalsh(torch.func.hessian(lambda w: HILLS.loss(w, ()).sum())(w))


def test_all_minima_have_the_loss_zero_and_the_sharpness_of_the_docstring():
    minima = torch.tensor(HILLS.minima, dtype=torch.float64)
    assert HILLS.loss(minima, ()).max() < 1e-26
    tops = [float(curvatures(m)[-1]) for m in HILLS.minima]
    assert min(tops) == pytest.approx(80, abs=1) and max(tops) == pytest.approx(134, abs=1)


def test_the_hill():
    hill = torch.tensor([-0.2708445906673476, -0.9230385564799815], dtype=torch.float64)
    assert HILLS.loss_and_grad(hill, ())[1].abs().max() < 1e-12 and (curvatures(hill.tolist()) < 0).all()
    assert float(HILLS.loss(hill, ())) == pytest.approx(181.6165, abs=1e-4)


def test_its_starts_lead_to_different_minima():
    ends = [run(catalog.method("gd", lr=1e-3), HILLS, 3000, start=s.name).w[-1] for s in HILLS.starts]
    minima = torch.tensor(HILLS.minima, dtype=torch.float64)
    reached = {int((minima - w).norm(dim=1).argmin()) for w in ends}
    assert len(reached) >= 3 and all((minima - w).norm(dim=1).min() < 1e-6 for w in ends)
