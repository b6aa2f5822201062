"""Oracles: one step's view of a problem, what a method may ask of it and what each answer costs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import torch
from torch import Tensor

from widgetlib.core.curvature import Tape, gauss_newton, record, value_and_grad
from widgetlib.core.draws import rows
from widgetlib.core.words import View

if TYPE_CHECKING:
    from widgetlib.core.layout import Layout
    from widgetlib.core.problem import Problem


@dataclass
class Cost:
    """What one member has been charged: no exchange rate exists between the three."""

    values: float = 0.0
    gradients: float = 0.0
    products: float = 0.0


class Merit(NamedTuple):
    """What a world plots as progress: name, symbol, unit."""

    name: str = "loss"
    symbol: str = "L"
    unit: str = ""


class Answer(NamedTuple):
    """What the oracle said of a point: the merit there, and the slope (gradient or field) that it handed out."""

    w: Tensor
    merit: Tensor
    slope: Tensor


class Oracle:
    """What all worlds share: the step's number, its draws, its mini-batch, its cost and other views of it.

    Every draw (mini-batch, noise) is a function of (seed, k, number of the call) alone, so that a step can
    be linearised, replayed and resumed exactly, and member i of a sweep equals the single run of its seed.

    Args:
        problem: what is minimised.
        data: what `problem.load` returned, on the device of `w`.
        k: number of the step, from 0.
        seeds: nest of ints in the form of the leading axes of `w` (an axis of length 1 is shared).
        batch: samples in a mini-batch; None for all of them.
        cost: the counters that are charged.
        tape: where the gradient of the last point that was looked at is kept.
    """

    merit = Merit()
    clock = "step"  # the column against which a run in this world is drawn: a step, or a cost that is counted
    views: dict[str, View] = {}  # what a card shows of a run, by the name of its place

    def __init__(
        self,
        problem: Problem,
        data: Any,
        k: int = 0,
        seeds: Any = 0,
        batch: int | None = None,
        cost: Cost | None = None,
        tape: Tape | None = None,
    ):
        self.problem, self.data, self.k, self.seeds, self.batch = problem, data, k, seeds, batch
        self.cost = Cost() if cost is None else cost
        self.tape = Tape() if tape is None else tape
        self.layout: Layout = problem.layout
        self.call = 0
        self.point: Callable[[Tensor], Tensor] | None = None
        self.seen: Answer | None = None  # the first slope that was asked for
        self._sample: Any = None

    def noise(self, w: Tensor, kind: str = "normal") -> Tensor:
        """A draw in the form of `w`: `normal` or `rademacher`; free; the same for members of one seed."""
        self.call += 1

        def draw(generator: torch.Generator) -> Tensor:
            if kind == "normal":
                return torch.randn(w.shape[-1], generator=generator, dtype=w.dtype)
            return torch.randint(0, 2, (w.shape[-1],), generator=generator).to(w.dtype) * 2 - 1

        return self._draws(self.seeds, draw).to(w.device).expand_as(w)

    def merit_at(self, w: Tensor) -> Tensor:
        """The merit of this world at `w`, `(..., 1)`, of which nothing is counted."""
        raise NotImplementedError

    # --- other views of the same step

    def seen_from(self, point: Callable[[Tensor], Tensor]) -> Self:
        """The same oracle looked at from elsewhere: its `grad(w)` is the gradient at `point(w)`."""
        view, outer = copy.copy(self), self.point
        view.point = point if outer is None else lambda w: outer(point(w))
        return view

    def fresh(self) -> Self:
        """The same oracle with another mini-batch; charged to the same counters."""
        view = copy.copy(self)
        view.call, view._sample = self.call + 1, None
        self.call += 1
        return view

    def uncounted(self) -> Self:
        """The full-batch oracle of the same step of which nothing is counted: for laws and measures."""
        return type(self)(self.problem, self.data, self.k, self.seeds, tape=self.tape)

    # --- how it works

    @property
    def share(self) -> float:
        """The share of all samples that one call looks at."""
        return 1.0 if self.batch is None else self.batch / self.problem.samples

    @property
    def sample(self) -> Any:
        """The data of this step: all of them, or the mini-batch `(..., b, ...)`."""
        if self.batch is None:
            return self.data
        if self._sample is None:
            index = torch.from_numpy(rows(self.seeds, self.k, self.call, self.problem.samples, self.batch))
            flat = index.flatten().to(self.data[0].device)  # a fifth of the time of indexing by all of its axes
            picked = (part.index_select(0, flat).unflatten(0, index.shape) for part in self.data)
            self._sample = type(self.data)(*picked)
        return self._sample

    @property
    def _plain(self) -> bool:
        """Whether its gradient is that of the whole loss at the very point that is asked about."""
        return self.point is None and self.batch is None

    def _at(self, w: Tensor) -> Tensor:
        return w if self.point is None else self.point(w)

    def _draws(self, seeds: Any, draw: Callable[[torch.Generator], Tensor]) -> Tensor:
        if isinstance(seeds, Sequence):
            return torch.stack([self._draws(seed, draw) for seed in seeds])
        # splitmix-like mixing: neighbouring (seed, k, call) must not give neighbouring streams
        mixed = (seeds * 0x9E3779B97F4A7C15 + self.k * 0xBF58476D1CE4E5B9 + self.call * 0x94D049BB133111EB) % 2**63
        return draw(torch.Generator().manual_seed(mixed ^ (mixed >> 31)))


class Blackbox(Oracle):
    """The world of function values: nothing but the loss at a point, and noise."""

    clock = "values"

    def loss(self, w: Tensor) -> Tensor:
        """The loss at `w`, `(..., 1)`; costs one value (b/n of one for a mini-batch)."""
        self.cost.values += self.share
        return self.problem.loss(self._at(w), self.sample)

    def merit_at(self, w: Tensor) -> Tensor:
        """The loss at `w` on all data, `(..., 1)`."""
        return self.problem.loss(w, self.data)


class Minimize(Blackbox):
    """The world of minimisation: loss, gradient and Hessian products."""

    clock = "step"
    views = {
        "landscape": View("Landscape and path", "plane", "landscape"),
        "trajectory": View("Along the run", "gradient", "trajectory"),
        "eigenvalues": View("Eigenvalues of the Hessian", "sharpness", "eigenvalues"),
        "edge": View("Edge of stability", "update_map", "edge_of_stability"),
    }

    def grad(self, w: Tensor) -> Tensor:
        """The gradient at `w`, `(..., d)`; costs one gradient (b/n of one for a mini-batch).

        Keeps the graph where `w` requires a gradient (the meter linearises the step) and none otherwise.
        """
        self.cost.gradients += self.share
        x = self._at(w)
        graph = x.requires_grad and torch.is_grad_enabled()
        taped = self.tape.at(w) if self._plain and not graph else None
        value, gradient = taped[1:3] if taped else value_and_grad(self.problem, x, self.sample, graph)
        if self.seen is None and self._plain:
            self.seen = Answer(w, value.detach(), gradient)
        return gradient

    def hvp(self, w: Tensor, v: Tensor) -> Tensor:
        """The Hessian at `w` times `v`, both `(..., d)`; costs one product."""
        return self.curvature(w)(v)

    def curvature(self, w: Tensor) -> Callable[[Tensor], Tensor]:
        """The map v → H(w) v with the graph of the gradient kept: one product a call, no new set-up."""
        x = self._at(w)
        graph = x.requires_grad and torch.is_grad_enabled()
        kept = self._plain and not graph
        taped = (self.tape.at(w) if kept else None) or record(self.problem, w, x, self.sample, graph)
        if kept:
            self.tape.last = taped
        return self._charged(taped.hessian)

    def ggn(self, w: Tensor, v: Tensor) -> Tensor:
        """The Gauss-Newton matrix at `w` times `v`, both `(..., d)`; costs one product."""
        return self.gauss_newton(w)(v)

    def gauss_newton(self, w: Tensor) -> Callable[[Tensor], Tensor]:
        """The map v → G(w) v, one product a call; of square loss and cross-entropy it is the Fisher matrix."""
        return self._charged(gauss_newton(self.problem, self._at(w), self.sample))

    def hessian(self, w: Tensor) -> Tensor:
        """The dense Hessian at `w`, `(..., d, d)`; costs d products."""
        product = self.curvature(w)
        eye = torch.eye(w.shape[-1], dtype=w.dtype, device=w.device)
        return torch.stack([product(row.expand_as(w)) for row in eye], dim=-1)

    def _charged(self, product: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def charged(v: Tensor) -> Tensor:
            self.cost.products += self.share
            return product(v)

        return charged


class FiniteSum(Minimize):
    """The world of averages over samples: minimisation in which a mini-batch and single samples can be asked for."""

    def per_sample_grad(self, w: Tensor) -> Tensor:
        """The gradient of each sample's own loss at `w`, `(..., b, d)`; costs b/n gradients.

        `w` may have leading axes only where no mini-batch is drawn (one batch is shared by all members).
        """
        self.cost.gradients += self.share
        x, sample = self._at(w), self.sample

        def one(row: Any, point: Tensor) -> Tensor:
            single = type(sample)(*(part.unsqueeze(0) for part in row))
            return self.problem.loss(point, single).squeeze(-1)

        each = torch.func.vmap(torch.func.grad(one, argnums=1), in_dims=(0, None))
        if x.ndim == 1:
            return each(sample, x)
        return torch.stack([each(sample, point) for point in x.reshape(-1, x.shape[-1])]).unflatten(0, x.shape[:-1])
