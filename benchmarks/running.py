"""Running: toy sweeps, and many small nets at once, against torch's own optimizers one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from benchmarks.timing import Row, race
from widgetlib import catalog
from widgetlib.core.problem import Problem
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run, sweep

VALLEY, ADAM, DIGITS = catalog.problem("rosenbrock"), catalog.method("adam"), catalog.problem("digits_mlp")
STEPS = 500
LONG = 4000  # steps of a sweep that is worth compiling
TRIED = 2  # of the rates, for the peer that steps one at a time
PEER = f"torch.optim.Adam, {TRIED} rates timed, in proportion"


class Undeclared(type(VALLEY)):
    """The same function without its written gradient."""

    loss_and_grad = None

    @property
    def slug(self) -> str:
        """Its file has no name in the catalogue."""
        return VALLEY.slug


def rows() -> Iterator[Row]:
    """The races of this module."""
    yield from toys()
    for members, batch, steps, reach, stretch in ((16, None, 30, 2, 2.2), (16, 128, 150, 6, 7), (64, 32, 150, 12, 14)):
        yield replicas(members, batch, steps, reach, stretch)
    ours, theirs = race(lambda: run(ADAM, VALLEY, STEPS), lambda: torch_adam(VALLEY, STEPS))
    yield Row("adam on rosenbrock, one run of 500 steps", ours, "torch.optim.Adam", theirs)
    sgd = catalog.method("sgd", lr=0.1)
    ours, theirs = race(lambda: run(sgd, DIGITS, 200), loop_of_torch(1, None, 200))
    yield Row("gd on digits_mlp, 200 steps", ours, "torch.optim.SGD, the same net", theirs)


def toys() -> Iterator[Row]:
    """Adam on Rosenbrock, its rates side by side."""
    rates = {n: torch.logspace(-4, 0, n, dtype=torch.float64).tolist() for n in (64, 1024)}

    def against_torch(ours: Callable[[], object], n: int, steps: int, repeat: int = 7) -> tuple[list, list]:
        times = race(ours, lambda: [torch_adam(VALLEY, STEPS) for _ in range(TRIED)], repeat)
        return times[0], [x * n * steps / (TRIED * STEPS) for x in times[1]]

    for n, problem, reach in (
        (64, Undeclared(), 65),
        (64, VALLEY, 150),
        (1024, Undeclared(), 900),
        (1024, VALLEY, 1700),
    ):
        ours, theirs = against_torch(lambda p=problem, n=n: sweep(ADAM, p, STEPS, {"lr": rates[n]}), n, STEPS)
        how = "gradient declared" if problem is VALLEY else "gradient by autograd"
        what = f"adam on rosenbrock, {n} rates × {STEPS} steps, {how}"
        yield Row(what, ours, PEER, theirs, 0.25 if n == 64 else None, reach, number=1)
    for n, stretch in ((64, 2000), (1024, 20000)):
        what = f"adam on rosenbrock, {n} rates × {LONG} steps, compiled before, each twentieth recorded"
        try:
            ours, theirs = against_torch(
                lambda n=n: sweep(ADAM, VALLEY, LONG, {"lr": rates[n]}, compile=True, every=20), n, LONG
            )
        except AtlasError as error:
            yield Row(f"{what}: {error}", [], number=1)
        else:
            yield Row(what, ours, PEER, theirs, stretch=stretch, number=1)


def torch_adam(problem: Problem, steps: int) -> None:
    """One run of torch.optim.Adam."""
    w = problem.start().requires_grad_()
    optimizer = torch.optim.Adam([w], lr=1e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        problem.loss(w, ()).sum().backward()
        optimizer.step()


def replicas(members: int, batch: int | None, steps: int, reach: float, stretch: float) -> Row:
    """Nets that differ in their seed; both sides work out the whole loss at the start and at the end."""
    sgd = catalog.method("sgd", lr=0.1)
    ours, theirs = race(
        lambda: sweep(sgd, DIGITS, steps, seeds=range(members), batch=batch, every=steps),
        loop_of_torch(members, batch, steps),
    )
    what = f"{members} replicas of digits_mlp, batch {batch or DIGITS.samples}, {steps} steps"
    return Row(what, ours, "torch.optim.SGD, one after the other", theirs, reach=reach, stretch=stretch, number=6)


def loop_of_torch(members: int, batch: int | None, steps: int) -> Callable[[], None]:
    """The same nets as modules, each trained by torch.optim.SGD; mini-batches without replacement."""
    data, nets = DIGITS.load(), []
    for seed in range(members):
        net = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 10))
        nn.utils.vector_to_parameters(DIGITS.start(seed=seed), net.parameters())
        nets.append((net, torch.optim.SGD(net.parameters(), lr=0.1)))

    def loss(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return 0.5 * ((net(x) - y) ** 2).sum(-1).mean()

    def train() -> None:
        generator = torch.Generator().manual_seed(0)
        for net, optimizer in nets:
            for _ in range(steps):
                x, y = data
                if batch:
                    rows = torch.randperm(len(x), generator=generator)[:batch]
                    x, y = x[rows], y[rows]
                optimizer.zero_grad()
                loss(net, x, y).backward()
                optimizer.step()
            with torch.no_grad():
                loss(net, *data), loss(net, *data)

    return train
