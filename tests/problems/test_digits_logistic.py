import pytest
import torch

from widgetlib import catalog
from widgetlib.engine.run import run

SMALL = catalog.problem("digits_logistic", subset=60, l2=1e-2)


def test_against_torchs_own_layers():
    w, (x, y) = SMALL.start(seed=1), SMALL.load()
    net = torch.nn.Linear(64, 10).double()
    torch.nn.utils.vector_to_parameters(w, net.parameters())
    wanted = torch.nn.functional.cross_entropy(net(x), y.argmax(1)) + 0.005 * (w**2).sum()
    assert float(SMALL.loss(w, SMALL.load())) == pytest.approx(float(wanted.detach()), rel=1e-12)


def test_it_is_convex_with_no_curvature_below_the_penalty():
    data = SMALL.load()
    for seed in range(2):
        w = SMALL.start(seed=seed) * 3
        hessian = torch.autograd.functional.hessian(lambda x: SMALL.loss(x, data).sum(), w)
        assert torch.linalg.eigvalsh(hessian)[0] > 1e-2 - 1e-10


def test_all_starts_end_in_one_minimum():
    ends = [run(catalog.method("gd", lr=1.0), SMALL, 3000, seed=seed).w[-1] for seed in (0, 1)]
    assert (ends[0] - ends[1]).abs().max() < 1e-6
