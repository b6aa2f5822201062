from dataclasses import replace

import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.core.method import with_fields
from widgetlib.engine.run import run
from widgetlib.measure.update_map import spectrum

BOWL = catalog.problem("quadratic", dimension=6)


def test_without_decay_it_is_adam():
    a, b = (
        run(catalog.method(slug, lr=1e-2, **more), BOWL, 100)
        for slug, more in (("adamw", {"weight_decay": 0.0}), ("adam", {}))
    )
    assert torch.equal(a.w, b.w)


@pytest.mark.parametrize("k", [0, 5, 100])
@pytest.mark.parametrize(("beta1", "decay"), [(0.9, 1.0), (0.5, 0.3)])
def test_frozen_modes_have_the_closed_form(k, beta1, decay):
    """z² - (c + β₁ - (1 - β₁) lr μ) z + β₁ c = 0, c = 1 - lr ω: the decay mixes no modes of P⁻¹H."""
    point = run(catalog.method("adamw", lr=1e-2, beta1=beta1, weight_decay=decay), BOWL, k).at(k)
    oracle = point.oracle()
    p = point.method.preconditioner(oracle, point.w, point.step().state).p
    mu = torch.linalg.eigvals(oracle.hessian(point.w) / p[:, None]).real.numpy()
    for lr in (0.1, 1.0):  # a share of 0.03 to 1 is lost at each step
        c = 1 - lr * decay
        wanted = np.concatenate([np.roots([1, -(c + beta1 - (1 - beta1) * lr * m), beta1 * c]) for m in mu])
        found = spectrum(replace(point, method=with_fields(point.method, {"lr": lr})), True, 12).values
        scale = np.abs(wanted).max()
        assert np.abs(found[:, None] - wanted).min(1).max() < 1e-6 * scale
        assert np.abs(wanted[:, None] - found).min(1).max() < 1e-6 * scale


@pytest.mark.parametrize("share", [0.995, 1.005])
def test_decay_lowers_the_edge(share):
    """The contract's decay moves the edge by less than its margin; here by a tenth, between Adam's and this law."""
    point = run(catalog.method("adamw", lr=0.2, weight_decay=1.0), BOWL, 20).at(20)
    oracle, after = point.oracle(), point.step().state
    p = point.method.preconditioner(oracle, point.w, after)
    top = torch.linalg.eigvals(oracle.hessian(point.w) / p.p[:, None]).real.max().item()
    # limit(lr) = top: 19 (2 - lr ω) / lr = top
    lr = share * 38 / (top + 19)
    method = with_fields(point.method, {"lr": lr})
    assert (method.stability_limit(oracle, point.w, after) > top) == (share < 1)
    modes = spectrum(replace(point, method=method), True, 12).values
    assert (modes.real.min() < -1) == (share > 1)


def test_decay_is_not_divided_by_the_preconditioner():
    """Loss times 1e6: the gradients' share of the step stays, and so does the decay's."""
    t = run(catalog.method("adamw", lr=0.1, weight_decay=0.5, eps=1e-12), BOWL, 1)
    g = t.at(0).oracle().grad(t.w[0])
    assert torch.allclose(t.w[1], 0.95 * t.w[0] - 0.1 * g.sign(), atol=1e-10)
