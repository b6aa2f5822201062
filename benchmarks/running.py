"""Running: a whole sweep, and one net, against torch's own optimizers."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from benchmarks.timing import Row, race
from widgetlib import catalog
from widgetlib.engine.run import run, sweep

RATES = torch.logspace(-4, 0, 64, dtype=torch.float64).tolist()
STEPS = 500
TRIED = 4  # of the 64 rates, for the peer that steps one at a time


def rows() -> Iterator[Row]:
    """The races of this module."""
    valley, adam = catalog.problem("rosenbrock"), catalog.method("adam")

    def torch_adam() -> None:
        for lr in RATES[:: len(RATES) // TRIED]:
            w = valley.start().requires_grad_()
            optimizer = torch.optim.Adam([w], lr=lr)
            for _ in range(STEPS):
                optimizer.zero_grad()
                valley.loss(w, ()).sum().backward()
                optimizer.step()

    ours, theirs = race(lambda: sweep(adam, valley, STEPS, {"lr": RATES}), torch_adam, 5, len(RATES) / TRIED)
    yield Row(
        "adam on rosenbrock, 64 rates × 500 steps", ours, f"torch.optim.Adam, {TRIED} rates timed × 16", theirs, 0.25
    )
    ours, _ = race(lambda: run(adam, valley, STEPS))
    yield Row(
        "adam on rosenbrock, one run of 500 steps",
        ours,
        f"torch.optim.Adam, {TRIED} runs ÷ {TRIED}",
        [x / 64 for x in theirs],
    )

    digits, gd = catalog.problem("digits_mlp"), catalog.method("gd", lr=0.4)
    data = digits.load()
    layers = [nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 10)]
    net = nn.Sequential(*layers)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.4)

    def torch_sgd() -> None:
        nn.utils.vector_to_parameters(digits.start(), net.parameters())
        for _ in range(200):
            optimizer.zero_grad()
            loss = 0.5 * ((net(data.x) - data.y) ** 2).sum(-1).mean()
            loss.backward()
            optimizer.step()

    ours, theirs = race(lambda: run(gd, digits, 200), torch_sgd)
    yield Row("gd on digits_mlp, 200 steps", ours, "torch.optim.SGD, the same net", theirs)
    ours, theirs = race(
        lambda: sweep(gd, digits, 100, seeds=range(8)), lambda: [run(gd, digits, 100, seed=i) for i in range(8)], 3
    )
    yield Row("gd on digits_mlp, 8 seeds × 100 steps, batched", ours, "the same, one after the other", theirs)
