"""What problems offer beyond the contract, for slices: the loss on a span of weights, and the accuracy."""

import pytest
import torch

from widgetlib import catalog

SPANS = [e for e in catalog.problems() if hasattr(catalog.load_class(e), "loss_on")]
CLASSES = [e for e in catalog.problems() if hasattr(catalog.load_class(e), "accuracy")]


def span(problem, k, seed=0):
    random = torch.Generator().manual_seed(seed)
    origin = problem.start(seed=1).double()
    return origin, torch.randn(k, len(origin), generator=random).double(), torch.randn(7, k, generator=random).double()


@pytest.mark.parametrize("entry", SPANS, ids=lambda e: e.slug)
@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
@pytest.mark.parametrize(("depth", "k"), [(1, 1), (2, 2), (3, 3)])
def test_the_loss_on_a_span_is_the_loss(entry, activation, depth, k):
    for objective in ("square", "cross_entropy"):
        settings = {"width": 5, "depth": depth, "activation": activation, "objective": objective, "subset": 50}
        problem = catalog.problem(entry.slug, **settings)
        origin, axes, c = span(problem, k)
        data = type(problem.load())(*(part.double() for part in problem.load()))
        with torch.no_grad():
            at = problem.loss_on(origin, axes, data)
            for part in (c, c[:3], c):  # rooms for batches of two sizes are kept
                torch.testing.assert_close(at(part), problem.loss(origin + part @ axes, data), rtol=1e-10, atol=0)


@pytest.mark.parametrize("entry", CLASSES, ids=lambda e: e.slug)
def test_accuracy_counts_the_right_images(entry):
    problem = catalog.problem(entry.slug, subset=50)
    data = problem.load()
    w = torch.stack([problem.start(seed=i).to(data[0]) for i in range(3)])
    right = [
        sum(int(out.argmax()) == int(y.argmax()) for out, y in zip(problem.outputs(x, data), data.y, strict=True))
        for x in w
    ]
    assert problem.accuracy(w, data).tolist() == [[pytest.approx(n / 50)] for n in right]
