import pytest
import torch

from widgetlib.core.layout import Layout

LAYOUT = Layout({"A": (3, 4), "b": (3,), "K": (2, 3, 2), "s": ()})


def points(*lead):
    return torch.randn(*lead, LAYOUT.size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("lead", [(), (5,), (2, 3)])
def test_views_and_back(lead):
    w = points(*lead)
    views = LAYOUT.views(w)
    assert {n: tuple(v.shape) for n, v in views.items()} == {n: (*lead, *s) for n, s in LAYOUT.parts.items()}
    assert LAYOUT.size == 12 + 3 + 12 + 1 and torch.equal(LAYOUT.flat(views), w)


def test_gradients_flow_through_views():
    w = points().requires_grad_()
    assert torch.autograd.grad(LAYOUT.views(w)["K"].sum(), w)[0].sum() == 12


@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])  # 3 members: as many as A has rows
def test_map_hands_over_matrices_and_rates(lead):
    w, g = points(*lead), points(*lead) + 1
    lr = torch.rand(*lead, 1, dtype=torch.float64)
    seen = []

    def matrix(a, b, rate):
        seen.append((a.shape[len(lead) :], b.shape == a.shape, rate.shape))
        return a - rate * b

    out = LAYOUT.map(matrix, w, g, lr, vector=lambda a, b, rate: a - 2 * rate * b)
    factor = torch.cat([torch.full((n,), f) for n, f in ((12, 1), (3, 2), (12, 1), (1, 2))])
    assert torch.allclose(out, w - lr * factor * g)
    assert [s[0] for s in seen] == [(3, 4), (2, 6)] and all(s[1] for s in seen)
    assert all(s[2] == (*lead, 1, 1) for s in seen)


def test_map_may_normalise_each_matrix_of_each_member():
    w = points(5)
    out = LAYOUT.map(lambda a: a / a.norm(dim=(-2, -1), keepdim=True), w, vector=torch.sign)
    views = LAYOUT.views(out)
    assert torch.allclose(views["A"].flatten(1).norm(dim=1), torch.ones(5, dtype=torch.float64))
    assert torch.equal(views["b"].abs(), torch.ones(5, 3, dtype=torch.float64))


def test_one_unknown():
    """With a single unknown a rate and a point have the same shape."""
    layout = Layout({"x": (1,)})
    w, lr = torch.tensor([[2.0], [3.0]]), torch.tensor([[0.1], [0.2]])
    assert torch.allclose(layout.map(None, w, lr, vector=lambda a, r: a * r), w * lr)
    matrix = Layout({"x": (1, 1)})
    assert torch.allclose(matrix.map(lambda a, r: a * r, w, lr, vector=None), w * lr)
