"""On a GPU: a net of ten million weights with its sharpness tracked, and eight thousand toy trajectories at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch

from benchmarks.timing import Row, race
from widgetlib import catalog
from widgetlib.core.layout import Layout
from widgetlib.engine.run import run, sweep
from widgetlib.measure.sharpness import Sharpness
from widgetlib.problems.finite_sum import _net
from widgetlib.problems.finite_sum._digits import Data
from widgetlib.problems.finite_sum.digits_mlp import DigitsMLP

STEPS, EVERY = 100, 10
TOYS = 8192


@dataclass(frozen=True, eq=False)
class Huge(DigitsMLP):
    """The digits' net with two layers of `width`, on random images of 784 pixels in ten classes."""

    samples = 4096

    @cached_property
    def layout(self) -> Layout:
        """784-width-width-10."""
        return _net.dense([784, self.width, self.width, 10])

    def load(self) -> Data:
        """Noisy copies of ten images, `(samples, 784)`."""
        generator = torch.Generator().manual_seed(1)
        label = torch.randint(10, (self.samples,), generator=generator)
        x = 0.15 * torch.randn(10, 784, generator=generator)[label]
        x = x + 0.3 * torch.randn(self.samples, 784, generator=generator)
        return Data(x, torch.nn.functional.one_hot(label, 10).float())


def rows() -> Iterator[Row]:
    """The races of this module; one sentence where there is no GPU."""
    if not torch.cuda.is_available():
        yield Row("a net of 10⁷ weights, its sharpness at each tenth step: no GPU here, not measured", [], number=9)
        yield Row(f"{TOYS} toy trajectories at once: no GPU here, not measured", [], number=9)
        return
    card = torch.cuda.get_device_name()
    yield from tracked(Huge(width=2800), "cuda", card)
    yield toys("cuda", card)


def tracked(net: Huge, device: str, card: str) -> Iterator[Row]:
    """Training with and without the tracker, and the training itself beside bare matrix products."""
    gd, size = catalog.method("gd", lr=0.1), net.layout.size

    def train(*measures: Sharpness) -> None:
        run(gd, net, STEPS, device=device, measure=measures, every=EVERY, memory=4 * size * 3)
        _wait(device)

    ours, theirs = race(lambda: train(Sharpness(k=1, every=EVERY, tol=1e-2)), train, 3)
    what = f"a net of {size:.1e} weights, its sharpness at each tenth step of gd, on {card}"
    yield Row(what, ours, "training without it", theirs, stretch=1 / 1.3, number=9)
    yield Row(f"training it, {STEPS} steps", theirs, "its matrix products alone", _products(net, device), number=9)


def _products(net: Huge, device: str) -> list[float]:
    """Seconds of the matrix products that STEPS steps need: the distance to them is all that could be gained."""
    sizes = [784, net.width, net.width, 10]
    work = []
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        w, h = torch.randn(fan_out, fan_in, device=device), torch.randn(fan_in, net.samples, device=device)
        d = torch.randn(fan_out, net.samples, device=device)
        work += [(w, h), (d, h.mT), *([(w.mT, d)] if i else [])]

    def products() -> None:
        for _ in range(STEPS):
            for a, b in work:
                a @ b
        _wait(device)

    return race(products, None, 3)[0]


def toys(device: str, card: str, steps: int = 500) -> Row:
    """Adam on Rosenbrock against the CPU of the same machine."""
    rates = torch.logspace(-4, 0, TOYS, dtype=torch.float64).tolist()

    def on(device: str) -> Callable[[], None]:
        def go() -> None:
            sweep(catalog.method("adam"), catalog.problem("rosenbrock"), steps, {"lr": rates}, device=device, every=50)
            _wait(device)

        return go

    ours, theirs = race(on(device), on("cpu"), 3)
    per_step = 1e6 * min(ours) / steps
    what = f"{TOYS} toy trajectories × {steps} steps on {card}, {per_step:.0f} µs a step: some 30 launches"
    return Row(what, ours, "the same on the CPU", theirs, number=9)


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
