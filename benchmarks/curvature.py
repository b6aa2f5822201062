"""Eigenvalues along a run and the meter, beside the peers; every side says how exact it was."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec

import numpy as np
import torch
from torch import nn

from benchmarks._eigen_peers import PEERS, Peer, dense, loss
from benchmarks.timing import Row, race
from widgetlib import catalog
from widgetlib.core.layout import Layout
from widgetlib.core.trace import Trace
from widgetlib.engine.run import run
from widgetlib.measure.eigen import Tracker
from widgetlib.measure.sharpness import Sharpness
from widgetlib.measure.update_map import spectrum
from widgetlib.problems.finite_sum import _net
from widgetlib.problems.finite_sum._digits import Data
from widgetlib.problems.finite_sum.digits_mlp import DigitsMLP

STEPS = 1000
TRIED = 10  # of the iterates, for the peers, whose time is scaled
SMALL, WIDE = 8e-3, 1e-2  # relative residuals that keep the errors below 1e-2 and 1e-3


def rows() -> Iterator[Row]:
    """Targets 2, 3 and 8."""
    yield from at_every_step()
    yield from five_of_a_wide_net()
    yield from meter()


def at_every_step() -> Iterator[Row]:
    """Target 2: the largest eigenvalue at each of 1000 steps of descent at its edge."""
    digits, gd, looks = catalog.problem("digits_mlp"), catalog.method("gd", lr=0.4), []
    trace = run(gd, digits, STEPS, memory=2**30)
    module = dense([64, 32, 32, 10])
    optimizer = torch.optim.SGD(module.parameters(), lr=0.4)

    def plain() -> None:
        nn.utils.vector_to_parameters(digits.start(), module.parameters())
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss(module(trace.data.x), trace.data.y).backward()
            optimizer.step()

    def ours() -> None:
        looks.append(Sharpness(k=1, every=1, tol=SMALL))
        run(gd, digits, STEPS, measure=[looks[-1]])

    times, descent = race(ours, plain, 3)
    exact, found = reference(trace, range(STEPS + 1), 1), looks[-1].table({})
    far = np.abs(found["eigenvalue"] / exact - 1)
    what = (
        f"λ₁ at each of {STEPS} steps of gd on digits_mlp, {found['products'].mean():.2f} products each, {errors(far)}"
    )
    yield Row(what, times, "torch.optim.SGD, the same steps, nothing measured", descent, None, 1 / 4.5, 2, 1 / 3)
    picked = np.linspace(0, STEPS, TRIED).astype(int)
    reach = {"PyHessian": 5.0, "eigsh on a double backward, as locuslab": 14.0}
    for peer in PEERS:
        text, theirs = cold(peer, peer.small, trace, module, picked, exact[picked], 2)
        whole = [x * (STEPS / TRIED) + min(descent) for x in theirs]
        yield Row(what, times, text, whole, None, reach.get(peer.name), 2 * (peer.name in reach))


def five_of_a_wide_net() -> Iterator[Row]:
    """Target 3: five eigenvalues of a net of 199 210 weights along a track, a record's time in gradients."""
    problem = Wide()
    trace = run(catalog.method("gd", lr=0.5), problem, 200, memory=2**30)
    module, looks = dense([784, 200, 200, 10]), list(range(100, 201, 10))
    points = [trace.at(k) for k in looks]
    tracker, found, seconds = Tracker(5, WIDE), [], []
    for point in points:
        began = time.perf_counter()
        found.append(tracker.look(point.oracle().uncounted().curvature(point.w), point.w, point.k % 2))
        seconds.append(time.perf_counter() - began)
    exact = reference(trace, looks, 5)
    far = np.abs(np.stack([pairs.values for pairs in found]) / exact - 1)[1:]
    products = np.mean([pairs.products for pairs in found[1:]])
    record = [float(np.mean(seconds[1:]))]
    what = f"five largest of MLP 784-200-200-10 every 10 steps of gd, {products:.1f} products each, {errors(far)}"
    nn.utils.vector_to_parameters(points[-1].w, module.parameters())

    def gradient() -> None:
        module.zero_grad()
        loss(module(trace.data.x), trace.data.y).backward()

    one = race(gradient)[0]
    yield Row(what, record, "one gradient in torch", [float(np.median(one))], None, 1 / 15, 3, 1 / 12)
    raced = [cold(p, p.wide, trace, module, looks[-1:], exact[-1:], 1) for p in PEERS if p.wide is not None]
    raced.sort(key=lambda one: min(one[1], default=np.inf))
    for i, (text, theirs) in enumerate(raced):
        yield Row(what, record, text, theirs, None, None, 0 if i else 3, None if i else 10.0)


@dataclass(frozen=True, eq=False)
class Wide(DigitsMLP):
    """Net B: the digits' net with other widths, on 5000 noisy copies of ten random images."""

    samples = 5000

    @cached_property
    def layout(self) -> Layout:
        """Matrices and biases of both hidden layers and the outputs."""
        return _net.dense([784, 200, 200, 10])

    def load(self) -> Data:
        """Images and one-hot labels."""
        generator = torch.Generator().manual_seed(0)
        label = torch.randint(10, (self.samples,), generator=generator)
        images = torch.randn(10, 784, generator=generator)[label]
        x = 0.15 * images + 0.3 * torch.randn(self.samples, 784, generator=generator)
        return Data(x - x.mean(0), nn.functional.one_hot(label, 10).float())


def meter() -> Iterator[Row]:
    """Target 8: the six modes farthest from +1 of Adam's map on weights and state, cold and along a run."""
    trace = run(catalog.method("adam", lr=3e-3), catalog.problem("digits_mlp"), 500)
    point, last = trace.at(500), []

    def cold_look() -> None:
        last.append(spectrum(point, False))

    times, _ = race(cold_look, None, 5)
    unknowns, worst = last[-1].unknowns, last[-1].residuals.max()
    yield Row(
        f"the meter: six modes of adam on digits_mlp ({unknowns} unknowns), residuals at most {worst:.0e}",
        times, target=0.2, number=8,
    )  # fmt: skip
    ...


def reference(trace: Trace, steps: Iterable[int], k: int) -> np.ndarray:
    """The k largest eigenvalues at these steps `(steps, k)`, with more guards and much smaller residuals."""
    tracker = Tracker(k + 2, 1e-3)
    points = (trace.at(k) for k in steps)
    found = [tracker.look(p.oracle().uncounted().curvature(p.w), p.w, p.k % 2).values[:k] for p in points]
    return torch.stack(found).numpy()


def cold(
    peer: Peer, setting: float, trace: Trace, module: nn.Module, steps: Sequence[int], exact: np.ndarray, repeat: int
) -> tuple[str, list[float]]:
    """What a row says of a peer at these steps, and its seconds for all of them, each repetition's."""
    if find_spec(peer.package) is None:
        return f"{peer.name}: not installed", []
    values, found, seconds = peer.make((module, trace.data.x, trace.data.y), setting), [], []
    for _ in range(repeat):
        seconds.append(0.0)
        for k in steps:
            nn.utils.vector_to_parameters(trace.w[k], module.parameters())
            began = time.perf_counter()
            found.append(np.asarray(values(exact.shape[1]), dtype=float))
            seconds[-1] += time.perf_counter() - began
    far = np.abs(np.stack(found) / np.tile(exact, (repeat, 1)) - 1)
    return f"{peer.name} ({setting:g}), cold, {len(steps)} records timed, {errors(far)}", seconds


def errors(far: np.ndarray) -> str:
    """What a row says of relative errors."""
    return f"errors {np.median(far):.0e} (99 %: {np.quantile(far, 0.99):.0e})"
