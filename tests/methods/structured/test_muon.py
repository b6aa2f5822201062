import pytest
import torch

from widgetlib import catalog
from widgetlib.engine.run import run

DIGITS = catalog.problem("digits_logistic", subset=60)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon")
def test_matrices_against_torch(monkeypatch):
    """In float64: torch's own computes in bfloat16, which is taken away here."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda x: x.clone())
    t = run(catalog.method("muon"), DIGITS, 200)
    parts = {n: x.clone().requires_grad_() for n, x in DIGITS.layout.views(t.w[0]).items()}
    muon = torch.optim.Muon([parts["W1"]], lr=0.02, weight_decay=0.0, momentum=0.95)
    m, data, gap = torch.zeros(10, dtype=torch.float64), DIGITS.load(), 0.0
    for k in range(200):
        muon.zero_grad()
        DIGITS.loss(DIGITS.layout.flat(parts), data).sum().backward()
        g = parts["b1"].grad
        m = 0.95 * m + 0.05 * g
        muon.step()
        with torch.no_grad():
            parts["b1"] -= 0.02 * torch.sign(0.05 * g + 0.95 * m)
        parts["b1"].grad = None
        gap = max(gap, float((DIGITS.layout.flat(parts).detach() - t.w[k + 1]).abs().max()))
    assert gap < 1e-10 and float((t.w[-1] - t.w[0]).abs().max()) > 1


def test_steps_do_not_feel_the_size_of_the_gradient():
    """Every singular value of a matrix's step lies near the rate, every entry of a vector's is the rate."""
    t = run(catalog.method("muon", lr=0.02), catalog.problem("digits_mlp", width=8, depth=1, subset=60), 20)
    steps = t.problem.layout.views(t.w[1:] - t.w[:-1])
    assert torch.allclose(steps["b1"].abs(), torch.tensor(0.02))
    values = torch.linalg.svdvals(steps["W2"]) / (0.02 * (10 / 8) ** 0.5)  # a tall matrix steps further
    assert values.max() < 1.3 and (values > 0.5).float().mean() > 0.8


def test_no_curvature_makes_it_diverge():
    """A thousand times the curvature: the same bounded zig-zag as wide as the rate."""
    for condition in (1.0, 1000.0):
        t = run(catalog.method("muon", lr=0.1), catalog.problem("quadratic", condition=condition), 500)
        assert t.w[-100:].abs().max() < 40 * 0.1
    assert t.method.no_law
