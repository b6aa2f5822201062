from dataclasses import replace

import pytest
import torch

from widgetlib import catalog
from widgetlib.core.method import with_fields
from widgetlib.engine.run import run
from widgetlib.measure.sharpness import sharpness
from widgetlib.measure.update_map import spectrum

NET = catalog.problem("digits_mlp", width=4, depth=1, subset=50)


def test_with_the_full_batch_it_is_gradient_descent():
    ours, theirs = run(catalog.method("sgd", lr=0.1), NET, 60), run(catalog.method("gd", lr=0.1), NET, 60)
    assert torch.equal(ours.w, theirs.w)
    a, b = (sharpness(t, k=1, every=20) for t in (ours, theirs))
    assert a.attrs["gauge"] == "sharpness" and (a["gauge"] == b["gauge"]).all() and (a["limit"] == b["limit"]).all()


def test_its_law_with_the_full_batch():
    """The mode of the largest curvature leaves the circle through -1 at lr λ₁ = 2."""
    point = run(catalog.method("sgd", lr=0.1), NET, 20, dtype=torch.float64).at(20)
    top = torch.linalg.eigvalsh(point.oracle().hessian(point.w))[-1].item()
    for share in (0.99, 1.01):
        method = with_fields(point.method, {"lr": share * 2 / top})
        assert spectrum(replace(point, method=method), True, 1, tol=1e-8).values[0] == pytest.approx(
            1 - 2 * share, abs=1e-5
        )


def test_steps_against_the_gradient_of_the_runs_mini_batch_alone():
    t = run(catalog.method("sgd", lr=0.1), NET, 5, batch=8, dtype=torch.float64)
    batches = []
    for k in range(5):
        x, y = t.at(k).oracle().sample
        w = t.w[k].clone().requires_grad_()
        g = torch.autograd.grad(NET.loss(w, type(t.data)(x, y)).sum(), w)[0]
        assert torch.allclose(t.w[k] - t.w[k + 1], 0.1 * g, atol=1e-14) and len(x) == 8
        batches.append(x)
    assert not torch.equal(batches[0], batches[1])
    assert t.cost["gradients"].tolist() == pytest.approx([8 / 50 * k for k in range(6)])


def test_keeps_its_invariances_with_mini_batches():
    """The contract tests them on functions without samples; here on the net, turned and moved at once."""
    generator = torch.Generator().manual_seed(0)
    d = NET.layout.size
    turn = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64)).Q
    shift = torch.randn(d, generator=generator, dtype=torch.float64)
    plain = run(catalog.method("sgd", lr=0.1), NET, 25, batch=8, dtype=torch.float64)

    class Turned(type(NET)):
        dtype = torch.float64

        def loss(self, w, data):
            return super().loss(w @ turn.T + shift, data)

    start = (NET.start().double() - shift) @ turn
    seen = run(catalog.method("sgd", lr=0.1), Turned(width=4, depth=1, subset=50), 25, batch=8, start=start)
    assert (seen.w @ turn.T + shift - plain.w).abs().max() < 1e-10
