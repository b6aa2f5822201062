"""Heights of a slice against what autograd and a dense Hessian say, batch by batch."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.core.layout import Layout
from widgetlib.core.problem import Problem
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run
from widgetlib.measure._heights import Heights
from widgetlib.measure.plane import plane

NET = catalog.problem("digits_mlp", width=4, depth=1, subset=50, objective="cross_entropy")
BOWL = catalog.problem("quadratic", dimension=6, condition=30.0)

WANTED = {
    "loss": lambda loss, w: loss(w),
    "gradient_norm": lambda loss, w: torch.autograd.grad(loss(w), w)[0].norm(),
    "sharpness": lambda loss, w: torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, w))[-1],
}


@dataclass(frozen=True, eq=False)
class Quartic(Problem):
    """The sum of fourth powers, whose Hessian overflows far away."""

    layout = Layout({"w": (6,)})

    def loss(self, w, data):
        return (w**4).sum(-1, keepdim=True)


def trained(problem=NET, steps=30, method="gd"):
    return run(catalog.method(method, lr=0.01), problem, steps, dtype=torch.float64)


def span(t):
    axes = torch.randn(2, t.w.shape[-1], generator=torch.Generator().manual_seed(3)).double() / 10
    return t.w[-1], axes, torch.linspace(-1, 1, 10, dtype=torch.float64).reshape(5, 2)


@pytest.mark.parametrize("problem", [NET, BOWL], ids=lambda p: p.slug)
@pytest.mark.parametrize("name", ["loss", "gradient_norm", "sharpness"])
def test_heights_are_what_they_say(problem, name):
    t = trained(problem)
    origin, axes, c = span(t)
    found = Heights(t, origin, axes, name)(c)
    for value, w in zip(found, origin + c @ axes, strict=True):
        wanted = WANTED[name](lambda x: problem.loss(x, t.data).sum(), w.requires_grad_())
        assert float(value) == pytest.approx(float(wanted.detach()), rel=1e-3 if name == "sharpness" else 1e-9)


def test_accuracy():
    t = trained()
    origin, axes, c = span(t)
    x, y = t.data
    for value, w in zip(Heights(t, origin, axes, "accuracy")(c), origin + c @ axes, strict=True):
        right = NET.outputs(w, t.data).argmax(1) == y.argmax(1)
        assert float(value) == pytest.approx(int(right.sum()) / len(x))


@pytest.mark.parametrize("name", ["loss", "accuracy", "gradient_norm"])
def test_a_memory_budget_changes_the_batches_and_nothing_else(name):
    t = trained()
    origin, axes, c = span(t)
    free = Heights(t, origin, axes, name)
    least = 4 * 8 * 50 * 10  # four tensors of ten outputs for fifty images, in float64
    tight = Heights(t, origin, axes, name, memory=2 * least + 1)
    assert (tight.at_once, free.at_once > 5) == (2, True)
    np.testing.assert_allclose(tight(c), free(c), rtol=1e-12)
    with pytest.raises(AtlasError, match=f"memory is 100 bytes, but one point of digits_mlp takes about {least}"):
        plane(t, "random", height=name, memory=100)


def test_what_is_not_finite_is_nan_and_spoils_no_neighbour():
    for t in (trained(NET, 0), run(catalog.method("gd"), Quartic(), 0, start=[1.0] * 6)):
        origin, axes, _ = span(t)
        far = torch.tensor([[0.0, 0.0], [1e200, 0.0], [0.0, 0.0]]).double()
        found = Heights(t, origin, axes * 1e200, "sharpness")(far)
        assert torch.isfinite(found).tolist() == [True, False, True]
        assert float(found[0]) == pytest.approx(float(found[2]), rel=1e-3)


def test_sharpness_has_a_coarser_grid_by_default():
    t = trained(BOWL)
    assert plane(t, "pca", height="sharpness")["sharpness"].shape == (17, 17)
    assert plane(t, "pca")["loss"].shape == (64, 64)
    table = plane(t, "pca", size=4, height="sharpness")
    assert table["sharpness"] == pytest.approx(30.0) and table.attrs["height"] == "sharpness" and "loss" not in table
    np.testing.assert_allclose(table["path_loss"], t.merit)  # the path keeps its losses


@pytest.mark.parametrize(
    ("make", "say"),
    [
        (lambda: plane(trained(BOWL), height="accuracy"), "no classes"),
        (lambda: plane(trained(), height="accurcy"), r"did you mean accuracy\?"),
        (lambda: plane(run(catalog.method("extragradient"), catalog.problem("bilinear_game"), 2),
                       height="sharpness"), "no sharpness"),
    ],
)  # fmt: skip
def test_says_which_heights_there_are(make, say):
    with pytest.raises(AtlasError, match=say):
        make()
