import pytest
import torch

from widgetlib import catalog

BEALE = catalog.problem("beale")


def test_values_of_the_collection():
    """Moré, Garbow and Hillstrom: at (1, 1) the residuals are 1.5, 2.25, 2.625."""
    assert float(BEALE.loss(BEALE.start("classic"), ())) == pytest.approx(1.5**2 + 2.25**2 + 2.625**2)
    assert float(BEALE.loss(torch.tensor(BEALE.minima[0], dtype=torch.float64), ())) == 0


def test_saddle_of_equal_and_opposite_curvature():
    w = torch.tensor([0.0, 1.0], dtype=torch.float64)
    assert BEALE.loss_and_grad(w, ())[1].abs().max() < 1e-12
    h = torch.func.hessian(lambda w: BEALE.loss(w, ()).sum())(w)
    assert torch.linalg.eigvalsh(h).tolist() == pytest.approx([-27.75, 27.75])
