import numpy as np
import pytest
import torch
from spectra import net_like, point

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run, sweep
from widgetlib.measure._lanczos import block_lanczos
from widgetlib.measure.gradient_noise import Noise, gradient_noise, turn

NET = catalog.problem("digits_mlp", width=4, depth=1, subset=50)


def trained(steps=20, problem=NET, **more):
    return run(catalog.method("sgd", lr=0.3), problem, steps, batch=8, dtype=torch.float64, **more)


def plain(here):
    """The covariance of the samples' gradients, each by its own backward pass."""
    rows = []
    for i in range(50):
        w = here.w.clone().requires_grad_()
        one = type(here.data)(*(part[i : i + 1] for part in here.data))
        rows.append(torch.autograd.grad(NET.loss(w, one).sum(), w)[0])
    return np.cov(torch.stack(rows).numpy(), rowvar=False, bias=True)


def test_against_the_plain_covariance():
    t = trained()
    found = gradient_noise(t, k=4, every=10)
    assert found["step"].tolist() == [0, 10, 20] and found.attrs["chance"] == 4 / 310
    for i, k in enumerate((0, 10, 20)):
        exact, here = plain(t.at(k)), t.at(k)
        values, vectors = np.linalg.eigh(exact)
        assert found["trace"][i] == pytest.approx(np.trace(exact), rel=1e-10)
        assert (np.abs(found["eigenvalue"][i] - values[::-1][:4]) <= found["residual"][i] + 1e-12).all()
        assert found["share"][i] == pytest.approx(values[::-1][:4] / np.trace(exact), rel=1e-4)
        g = here.oracle().uncounted().grad(here.w)
        assert found["noise_scale"][i] == pytest.approx(np.trace(exact) / float(g @ g), rel=1e-9)
        own = np.linalg.eigh(here.oracle().uncounted().hessian(here.w).numpy())[1][:, -4:]
        inside = ((own.T @ vectors[:, ::-1][:, :4]) ** 2).sum(0)
        assert (np.abs(found["alignment"][i] - inside) <= found["alignment_error"][i] + 1e-9).all()


def test_covariance_of_mini_batches():
    """C/b is what the gradients of mini-batches of b samples, drawn with replacement, scatter by."""
    here = trained(3).at(3)
    noise, random = Noise(here), torch.Generator().manual_seed(0)
    u = block_lanczos(noise.rows, torch.randn(3, 310, generator=random).double(), 10).vectors(1)[0]
    index = torch.randint(0, 50, (4000, 5), generator=random)
    single = here.oracle().uncounted().per_sample_grad(here.w) @ u
    scatter = single[index].mean(1).var()
    assert float(scatter) == pytest.approx(float(noise.rows(u[None])[0] @ u) / 5, rel=0.1)


def test_chunks_of_samples_make_no_difference():
    """Also where they are not kept, and where a chunk is a single sample."""
    here, v = trained(3).at(3), torch.randn(4, 310, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    exact = torch.as_tensor(plain(here))
    for kept, chunk in ((2**27, 2**24), (0, 310 * 7), (0, 1), (2**27, 310 * 7)):
        noise = Noise(here, kept, chunk)
        assert torch.allclose(noise.rows(v), v @ exact, atol=1e-12)
        assert noise.trace == pytest.approx(float(exact.trace()), rel=1e-12)


def test_nothing_of_the_size_of_all_gradients_is_held(monkeypatch):
    sizes = []
    own = NET.oracle.per_sample_grad

    def watched(self, w):
        found = own(self, w)
        sizes.append(found.numel())
        return found

    monkeypatch.setattr(NET.oracle, "per_sample_grad", watched)
    Noise(trained(1).at(1), kept=0, chunk=310 * 7).rows(torch.ones(1, 310).double())
    assert max(sizes) == 310 * 7


def test_an_angle_between_spaces_is_bounded():
    """With few steps the leading vectors are still turned, and never by more than is said."""
    here = point(net_like(300))
    a = here.data.hessian
    exact = torch.linalg.eigh(a)[1].flip(1)
    for steps in (6, 8, 10, 14):
        start = torch.randn(6, 300, generator=torch.Generator().manual_seed(steps), dtype=torch.float64)
        space = block_lanczos(lambda v: v @ a, start, steps)
        found = space.vectors(4)
        lost = found - found @ exact[:, :4] @ exact[:, :4].mT
        assert float(torch.linalg.matrix_norm(lost, 2)) <= turn(space, 0, 4) + 1e-12
    assert 0 < turn(space, 0, 4) < 0.01


def test_a_point_without_noise():
    """Samples that all agree: the trace is 0, and a share of nothing is no number."""
    t = trained(1)
    same = type(t.data)(*(part[:1].expand(50, -1).clone() for part in t.data))
    t.data = same
    found = gradient_noise(t, k=2, every=1)
    assert found["trace"] == pytest.approx(0, abs=1e-25) and np.isfinite(found["alignment"]).all()


def test_ends_early_and_costs_the_run_nothing():
    t = trained(10)
    before = t.cost["gradients"].copy()
    assert len(gradient_noise(t, every=1, k=1, on_record=lambda done: done == 2)["step"]) == 2
    assert (t.cost["gradients"] == before).all()


@pytest.mark.parametrize(
    ("make", "say"),
    [
        (lambda: gradient_noise(trained(1), k=0), "k = 0 directions"),
        (lambda: gradient_noise(trained(1), k=50), "k = 50 directions of a noise of 49"),
        (lambda: gradient_noise(run(catalog.method("gd"), catalog.problem("rosenbrock"), 1)), "has no samples"),
        (lambda: gradient_noise(sweep(catalog.method("sgd"), NET, 1, seeds=range(2), batch=8)), "pick a member"),
    ],
)
def test_says_what_to_do(make, say):
    with pytest.raises(AtlasError, match=say):
        make()
