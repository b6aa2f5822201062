import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.engine.run import run
from widgetlib.measure.sharpness import sharpness


def test_target_is_the_polynomial():
    x, y = catalog.problem("chebyshev_mlp").load()
    assert x.shape == y.shape == (20, 1) and (x[0], x[-1]) == (-1, 1)
    assert torch.allclose(y, 8 * x**4 - 8 * x**2 + 1, atol=1e-12)
    x, y = catalog.problem("chebyshev_mlp", degree=3, points=11).load()
    assert torch.allclose(y, 4 * x**3 - 3 * x, atol=1e-12)


def test_against_torchs_own_layers():
    problem = catalog.problem("chebyshev_mlp")
    layers = [torch.nn.Linear(1, 30), torch.nn.Tanh(), torch.nn.Linear(30, 30), torch.nn.Tanh(), torch.nn.Linear(30, 1)]
    net, w, (x, y) = torch.nn.Sequential(*layers).double(), problem.start(seed=1), problem.load()
    assert len(w) == 1021
    torch.nn.utils.vector_to_parameters(w, net.parameters())
    wanted = 0.5 * torch.nn.functional.mse_loss(net(x), y)
    assert float(problem.loss(w, problem.load())) == pytest.approx(float(wanted.detach()), rel=1e-12)


def test_it_shows_the_edge_of_stability():
    """Gradient descent sharpens it up to 2/lr and stays there."""
    t = run(catalog.method("gd", lr=0.2), catalog.problem("chebyshev_mlp"), 3000)
    table = sharpness(t, k=1, every=100)
    ratio = table["gauge"] / table["limit"]
    assert ratio[0] < 0.7 and np.median(ratio[-10:]) == pytest.approx(1, abs=0.03)
    assert t.merit[-1] < 0.01 * t.merit[0]
