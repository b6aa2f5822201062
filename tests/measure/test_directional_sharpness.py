import numpy as np
import pytest
import torch
from spectra import point

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run, sweep
from widgetlib.measure.directional_sharpness import _look, directional_sharpness

NET = catalog.problem("digits_mlp", width=4, depth=1, subset=50)


def test_against_the_dense_hessian():
    t = run(catalog.method("adam", lr=1e-2), NET, 20, dtype=torch.float64)
    found = directional_sharpness(t, every=10)
    assert found["step"].tolist() == [0, 10, 20]
    for i, k in enumerate((0, 10)):
        h = NET.oracle(NET, t.data).hessian(t.w[k])
        for name, d in (("along_step", t.w[k + 1] - t.w[k]), ("along_gradient", NET.oracle(NET, t.data).grad(t.w[k]))):
            assert found[name][i] == pytest.approx(float(d @ h @ d / (d @ d)), rel=1e-9)
        gap = abs(found["sharpness"][i] - float(torch.linalg.eigvalsh(h)[-1]))
        assert gap <= found["residual"][i]
    assert (found["along_step"] <= found["sharpness"] + found["residual"]).all()


def test_gradient_descent_steps_along_its_gradient():
    found = directional_sharpness(run(catalog.method("gd", lr=0.3), NET, 10, dtype=torch.float64), every=5)
    assert found["along_step"] == pytest.approx(found["along_gradient"], rel=1e-9)
    noisy = directional_sharpness(run(catalog.method("sgd"), NET, 10, batch=4, dtype=torch.float64), every=5)
    assert (np.abs(noisy["along_step"] / noisy["along_gradient"] - 1) > 1e-3).all()


def test_where_there_is_no_step():
    """At the minimum of a bowl the gradient is 0: there is no direction, and the largest curvature is still known."""
    here = point([1.0, 2.0, 3.0])
    here.w.zero_()
    along, slope, top, _ = _look(here)
    assert np.isnan(along) and np.isnan(slope) and top == pytest.approx(3)


def test_ends_early():
    t = run(catalog.method("gd"), NET, 10)
    assert len(directional_sharpness(t, every=1, on_record=lambda done: done == 3)["step"]) == 3


def test_says_what_to_do():
    with pytest.raises(AtlasError, match="pick a member"):
        directional_sharpness(sweep(catalog.method("gd"), NET, 1, seeds=range(2)))
    with pytest.raises(AtlasError, match="has no Hessian"):
        directional_sharpness(run(catalog.method("extragradient"), catalog.problem("bilinear_game"), 1))
