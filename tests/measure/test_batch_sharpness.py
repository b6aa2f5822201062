import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run, sweep
from widgetlib.figures.edge_of_stability import edge_of_stability
from widgetlib.measure.batch_sharpness import batch_sharpness
from widgetlib.measure.sharpness import Sharpness, sharpness

NET = catalog.problem("digits_mlp", width=4, depth=1, subset=50)


def trained(batch, steps=30, **more):
    return run(catalog.method("sgd", lr=0.3), NET, steps, batch=batch, dtype=torch.float64, **more)


def curvature(w, data, rows):
    """gᵀHg / ‖g‖² of the loss of some samples, by another way than the oracle's."""
    part = type(data)(*(x[rows] for x in data))

    def loss(w):
        return NET.loss(w, part).sum()

    g = torch.func.grad(loss)(w)
    return g @ torch.func.jvp(torch.func.grad(loss), (w,), (g,))[1] / (g @ g)


def test_against_every_mini_batch_there_is():
    """There are 1225 pairs of 50 images: their mean lies within the error bar of the estimate."""
    t = trained(2, 10)
    found = batch_sharpness(t, batches=400, every=10)
    pairs = torch.combinations(torch.arange(50))
    for i, k in enumerate((0, 10)):
        exact = torch.func.vmap(lambda rows, w=t.w[k]: curvature(w, t.data, rows))(pairs)
        assert found["error"][i] == pytest.approx(float(exact.std()) / 20, rel=0.2)
        assert abs(found["batch_sharpness"][i] - float(exact.mean())) < 4 * found["error"][i]


def test_of_the_full_batch_there_is_one():
    t = trained(None)
    found = batch_sharpness(t, every=30)
    assert found["batch_sharpness"][-1] == pytest.approx(float(curvature(t.w[-1], t.data, slice(None))), rel=1e-10)
    assert (found["error"] == 0).all()
    assert (found["batch_sharpness"] <= sharpness(t, k=1, every=30)["gauge"] * (1 + 1e-3)).all()


def test_looking_changes_neither_the_run_nor_its_cost():
    meter = Sharpness(k=0, every=10)
    plain, watched = trained(8), trained(8, measure=[meter])
    assert torch.equal(plain.w, watched.w) and plain.cost["gradients"][-1] == watched.cost["gradients"][-1]
    again = batch_sharpness(watched, every=10)
    assert again["batch_sharpness"] == pytest.approx(watched.measures["sharpness"]["gauge"], rel=1e-12)


def test_is_the_gauge_beside_the_limit_where_a_method_says_so():
    found = sharpness(trained(8), k=1, every=10)
    assert found.attrs["gauge"] == "batch_sharpness" and not found.attrs["preconditioned"]
    assert found["limit"] == pytest.approx(2 / 0.3) and (found["gauge_residual"] > 0).all()
    assert not (found["gauge"] == found["eigenvalue"][:, 0]).any()
    assert found.column("gauge").symbol == "batch sharpness"
    assert edge_of_stability(found).reading.startswith("Batch sharpness is ")


def test_at_the_edge_the_sentence_speaks_of_mini_batches():
    found = sharpness(trained(8, 5), k=0, every=5)
    columns = {n: (np.full(2, 6.7) if n in ("gauge", "limit") else c.values, c.dims) for n, c in found.columns.items()}
    reading = edge_of_stability(type(found)(columns, found.attrs)).reading
    assert reading.endswith("it is at the edge of stability and oscillates along the gradients of its mini-batches.")


@pytest.mark.parametrize(
    ("make", "say"),
    [
        (lambda: batch_sharpness(trained(8, 1), batches=1), "at least two"),
        (lambda: batch_sharpness(sweep(catalog.method("sgd"), NET, 1, seeds=range(2), batch=8)), "pick a member"),
    ],
)
def test_says_what_to_do(make, say):
    with pytest.raises(AtlasError, match=say):
        make()
