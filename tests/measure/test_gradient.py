import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.engine.run import run
from widgetlib.measure.gradient import gradient

NET = catalog.problem("digits_mlp", width=4, depth=1, subset=50)


@pytest.mark.parametrize("problem", [NET, catalog.problem("rosenbrock")], ids=lambda p: p.slug)
def test_along_a_run(problem):
    t = run(catalog.method("adam"), problem, 10, dtype=torch.float64)
    found = gradient(t)
    norms = []
    for w in t.w:
        x = w.clone().requires_grad_()
        norms.append(float(torch.autograd.grad(problem.loss(x, t.data).sum(), x)[0].norm()))
    assert found["gradient_norm"] == pytest.approx(norms, rel=1e-10)
    assert found["loss"] == pytest.approx(t.merit.numpy()) and found["step"].tolist() == list(range(11))
    steps = (t.w[1:] - t.w[:-1]).norm(dim=1).numpy()
    assert found["step_length"][:-1] == pytest.approx(steps) and np.isnan(found["step_length"][-1])


def test_full_batch_also_of_a_run_on_mini_batches():
    t = run(catalog.method("gd"), NET, 3, batch=5)
    assert gradient(t)["gradient_norm"][0] == pytest.approx(
        gradient(run(t.method, NET, 0))["gradient_norm"][0], rel=1e-5
    )


def test_few_looks_and_iterates_that_were_not_kept():
    t = run(catalog.method("gd"), NET, 50, memory=5 * 4 * NET.layout.size)
    found = gradient(t, most=3)
    assert len(found["step"]) < 6 and np.isnan(found["step_length"]).all()


def test_loss_counts_from_where_the_run_began():
    first = run(catalog.method("gd"), NET, 5)
    rest = run(catalog.method("gd"), NET, 5, start=first.at(5))
    found = gradient(rest)
    assert found["step"].tolist() == list(range(5, 11)) and found["loss"] == pytest.approx(rest.merit.numpy())
