import pytest
import torch
from torch import nn

from widgetlib import catalog
from widgetlib.core.algebra import map_leaves

SMALL = catalog.problem("digits_cnn", channels=3, subset=50)
DATA = map_leaves(torch.Tensor.double, SMALL.load())


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_against_torchs_own_layers(activation):
    problem = catalog.problem("digits_cnn", channels=3, subset=50, activation=activation)
    bend = {"tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU}[activation]
    blocks = [nn.Conv2d(1, 3, 3, padding=1), bend(), nn.AvgPool2d(2), nn.Conv2d(3, 6, 3, padding=1), bend()]
    net = nn.Sequential(*blocks, nn.AvgPool2d(2), nn.Flatten(), nn.Linear(24, 10)).double()
    w = problem.start(seed=1).double()
    nn.utils.vector_to_parameters(w, net.parameters())
    out = net(DATA.x.reshape(-1, 1, 8, 8))
    assert torch.allclose(problem.outputs(w, DATA), out, atol=1e-12)
    wanted = nn.functional.cross_entropy(out, DATA.y.argmax(1))
    assert float(problem.loss(w, DATA)) == pytest.approx(float(wanted.detach()), rel=1e-12)


def test_members_with_batches_of_their_own():
    """Nets `(2, 3, d)` on images `(3, 5, 64)`, as seeds with mini-batches have them, and on one image each."""
    w = torch.stack([SMALL.start(seed=i).double() for i in range(6)]).reshape(2, 3, -1)
    rows = torch.arange(15).reshape(3, 5)
    batch = type(DATA)(*(part[rows] for part in DATA))
    whole = SMALL.loss(w, batch)
    assert whole.shape == (2, 3, 1)
    for i in range(2):
        for j in range(3):
            alone = SMALL.loss(w[i, j], type(DATA)(*(part[rows[j]] for part in DATA)))
            assert torch.allclose(whole[i, j], alone, rtol=1e-12)


def test_hessian_products_and_single_gradients():
    oracle = SMALL.oracle(SMALL, DATA)
    w = SMALL.start(seed=2).double()
    v = torch.randn(w.shape, generator=torch.Generator().manual_seed(0), dtype=w.dtype)
    ahead, back = (oracle.grad(w + sign * 1e-5 * v) for sign in (1, -1))
    assert torch.allclose(oracle.hvp(w, v), (ahead - back) / 2e-5, atol=1e-7)
    assert torch.allclose(oracle.per_sample_grad(w).mean(0), oracle.grad(w), atol=1e-12)


def test_size():
    assert catalog.problem("digits_cnn").layout.size == 1898
