from math import pi

import pytest
import torch

from widgetlib import catalog
from widgetlib.engine.run import run

BOX = catalog.problem("rastrigin")


def test_sharpness_of_the_lowest_well():
    h = torch.func.hessian(lambda w: BOX.loss(w, ()).sum())(torch.zeros(2, dtype=torch.float64))
    assert torch.allclose(h, (2 + 4 * pi**2 * 10) * torch.eye(2, dtype=torch.float64))


def test_wells_near_whole_coordinates_are_higher_by_their_squared_distance():
    t = run(catalog.method("gd", lr=1e-3), BOX, 2000, start=[2.1, 0.9])
    assert (t.w[-1] - torch.tensor([2.0, 1.0])).abs().max() < 0.02
    assert float(t.merit[-1]) == pytest.approx(5, abs=0.1)


def test_without_wells_it_is_a_bowl():
    w = torch.tensor([1.5, -0.3], dtype=torch.float64)
    assert float(catalog.problem("rastrigin", a=0.0).loss(w, ())) == pytest.approx(1.5**2 + 0.3**2)


def test_drawn_starts_fill_the_window():
    drawn = torch.stack([BOX.start("drawn from the seed", seed=i) for i in range(50)])
    assert drawn.abs().max() < 2.6 and drawn.min() < -1.5 and drawn.max() > 1.5
