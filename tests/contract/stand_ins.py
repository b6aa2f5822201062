"""Problems made from other problems: seen in other coordinates, or counting what is asked of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from widgetlib.core.curvature import Tape
from widgetlib.core.layout import Layout
from widgetlib.core.oracle import FiniteSum
from widgetlib.core.problem import Problem


class Rows(NamedTuple):
    x: Tensor  # (12, 3), the last column constantly zero
    y: Tensor  # (12, 2)


@dataclass(frozen=True, eq=False)
class SmallNet(Problem):
    """Two layers on twelve samples: matrices and vectors, no size 7 or 1, and an input that is always zero."""

    oracle = FiniteSum
    samples = 12
    layout = Layout({"A": (4, 3), "a": (4,), "B": (2, 4), "b": (2,)})

    def load(self):
        x, y = torch.randn(2, 12, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        return Rows(x * torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64), y[:, :2].contiguous())

    def draw(self, generator):
        return 0.7 * torch.randn(self.layout.size, generator=generator, dtype=torch.float64)

    def loss(self, w, data):
        p = self.layout.views(w)
        hidden = torch.tanh(data.x @ p["A"].mT + p["a"].unsqueeze(-2))
        off = hidden @ p["B"].mT + p["b"].unsqueeze(-2) - data.y
        return 0.5 * (off**2).sum(-1).mean(-1, keepdim=True)


@dataclass(frozen=True, eq=False)
class StandIn(Problem):
    """Stands in for another problem: the same unknowns, data and dtype."""

    of: Problem

    @property
    def oracle(self):
        return self.of.oracle

    @property
    def layout(self):
        return self.of.layout

    @property
    def dtype(self):
        return self.of.dtype

    @property
    def samples(self):
        return self.of.samples

    def load(self):
        return self.of.load()

    def draw(self, generator):
        return self.of.draw(generator)


@dataclass(frozen=True, eq=False)
class Seen(StandIn):
    """The problem in other coordinates, its loss times a factor."""

    there: Callable[[Tensor], Tensor] = field(default=lambda w: w)  # from these coordinates to the problem's own
    factor: float = 1.0

    def loss(self, w, data):
        return self.factor * self.of.loss(self.there(w), data)

    def field(self, z, data):
        there, back = torch.func.vjp(self.there, z)
        return self.factor * back(self.of.field(there, data))[0]


@dataclass(frozen=True, eq=False)
class Counting(StandIn):
    """Counts evaluations where they happen: values, gradients, and backward passes through a gradient."""

    counts: dict = field(default_factory=lambda: dict(values=0, gradients=0, products=0))

    def loss(self, w, data):
        self.counts["values"] += 1
        return self.of.loss(w, data)

    def field(self, z, data):
        self.counts["gradients"] += 1
        return self.of.field(z, data)

    def loss_and_grad(self, w, data):
        graph = w.requires_grad  # the set-up of Hessian products, which is free
        self.counts["gradients"] += not graph
        with torch.enable_grad():
            x = w if graph else w.detach().requires_grad_()
            value = self.of.loss(x, data)
            g = torch.autograd.grad(value.sum(), x, create_graph=graph)[0]
            return value, Backward.apply(g, self.counts) if graph else g


class Forgetful(Tape):
    """Keeps nothing: a method pays for what it asks, also where the answer would lie ready."""

    def at(self, w):
        return None


class Backward(torch.autograd.Function):
    """The identity that counts the passes back through it."""

    @staticmethod
    def forward(context, g, counts):
        context.counts = counts
        return g.clone()

    @staticmethod
    def backward(context, v):
        context.counts["products"] += 1
        return v, None


def rotation(generator, d):
    q = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64)).Q
    return lambda w: w @ q.T, lambda w: w @ q, 1.0


def translation(generator, d):
    c = torch.randn(d, generator=generator, dtype=torch.float64)
    return lambda w: w + c, lambda w: w - c, 1.0


def permutation(generator, d):
    order = torch.randperm(d, generator=generator)
    return lambda w: w[..., order], lambda w: w[..., order.argsort()], 1.0


def loss_scale(generator, d):
    factor = 10 ** float(4 * torch.rand((), generator=generator) - 2)
    return lambda w: w, lambda w: w, factor


def affine(generator, d):
    (q, r), stretch = (
        torch.randn(2, d, d, generator=generator, dtype=torch.float64),
        torch.rand(d, generator=generator),
    )
    a = torch.linalg.qr(q).Q * 4 ** (2 * stretch.double() - 1) @ torch.linalg.qr(r).Q  # condition at most 16
    c = torch.randn(d, generator=generator, dtype=torch.float64)
    return lambda w: w @ a.T + c, lambda w: torch.linalg.solve(a, w - c), 1.0


# What a method may declare: (generator, d) to (there, back, factor).
INVARIANCES = {f.__name__: f for f in (rotation, translation, permutation, loss_scale, affine)}
