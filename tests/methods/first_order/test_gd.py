import torch

from widgetlib import catalog
from widgetlib.engine.run import run


def test_diverges_just_beyond_its_edge_and_only_there():
    bowl = catalog.problem("quadratic", dimension=5, condition=30.0)
    below, beyond = (run(catalog.method("gd", lr=x * 2 / 30), bowl, 3000) for x in (0.99, 1.01))
    assert below.merit[-1] < 1e-10 * below.merit[0]
    assert beyond.merit[-1] > 1e10 * beyond.merit[0]


def test_closed_form_on_a_bowl():
    """Each mode is multiplied by 1 - lr λ."""
    bowl = catalog.problem("quadratic", dimension=5, condition=30.0)
    t = run(catalog.method("gd", lr=0.05), bowl, 20)
    values, vectors = torch.linalg.eigh(bowl.load().hessian)
    modes = (1 - 0.05 * values) ** torch.arange(21)[:, None] * (t.w[0] @ vectors)
    assert torch.allclose(t.w, modes @ vectors.T, atol=1e-12)
