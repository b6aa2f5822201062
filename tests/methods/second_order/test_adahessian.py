import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.core.layout import Layout
from widgetlib.engine.run import run

BOWL = catalog.problem("quadratic", dimension=5, condition=30.0)


def draws(t, steps):
    """The signs that the run drew, step by step."""
    return [t.at(k).oracle().noise(t.w[k], "rademacher").numpy() for k in range(steps)]


@pytest.mark.parametrize("every", [1, 7])
def test_against_numpy(every):
    t = run(catalog.method("adahessian", every=every), BOWL, 200)
    h, w = BOWL.load().hessian.numpy(), t.w[0].numpy().copy()
    m, v, drawn = np.zeros(5), np.zeros(5), 0
    for k, z in enumerate(draws(t, 200)):
        m = 0.9 * m + 0.1 * (h @ w)
        if k % every == 0:
            v, drawn = 0.999 * v + 0.001 * (z * (h @ z)) ** 2, drawn + 1
        w = w - 0.15 * (m / (1 - 0.9 ** (k + 1))) / (np.sqrt(v / (1 - 0.999**drawn)) + 1e-4)
        assert np.abs(t.w[k + 1].numpy() - w).max() < 1e-10
    assert t.cost["products"][-1] == -(-200 // every) and t.cost["gradients"][-1] == 200


def test_average_of_single_entries_tends_to_the_norm_of_a_row():
    """Not to the diagonal: |z_i (Hz)_i| = |(Hz)_i|, whose mean square is the sum of squares of row i."""
    method = catalog.method("adahessian", lr=1e-4, beta2=0.999)
    point = run(method, BOWL, 3000).at(3000)
    h = BOWL.load().hessian
    found = (point.state.v / (1 - 0.999**3000)).sqrt()
    assert torch.allclose(found, h.norm(dim=1), rtol=0.05)
    assert (found > 1.03 * h.diagonal()).all() and found[0] > 1.5 * h[0, 0]


def test_blocks_average_kernels_and_leave_vectors():
    method = catalog.method("adahessian", block=9)
    layout = Layout({"K": (2, 3, 3, 3), "b": (4,)})
    x = torch.rand(5, layout.size, dtype=torch.float64)
    found = layout.views(layout.map(method._averaged, x, vector=lambda v: v))
    kernel = layout.views(x)["K"]
    assert torch.allclose(found["K"], kernel.mean((-2, -1), keepdim=True).expand_as(kernel), rtol=1e-14)
    assert torch.equal(found["b"], layout.views(x)["b"])


def test_last_block_of_a_row_may_be_shorter():
    found = catalog.method("adahessian", block=2)._averaged(torch.tensor([[1.0, 3.0, 8.0]]))
    assert found.tolist() == [[2, 2, 8]]


def test_edge_does_not_depend_on_the_condition_of_a_diagonal_hessian():
    for condition in (10.0, 1000.0):
        bowl = catalog.problem("quadratic", dimension=5, condition=condition, rotation=0.0)
        point = run(catalog.method("adahessian", eps=1e-12), bowl, 20).at(20)
        p = point.method.preconditioner(point.oracle(), point.w, point.step().state).p
        assert torch.allclose(bowl.load().hessian.diagonal() / p, torch.full((5,), 1 / (1 - 0.9**21)).double())
