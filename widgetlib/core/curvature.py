"""Gradient and Hessian products of a loss at a point, worked out once for all who ask; Gauss-Newton products."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from widgetlib.core.words import AtlasError

if TYPE_CHECKING:
    from widgetlib.core.problem import Problem


class Recorded(NamedTuple):
    """What was worked out at one point.

    Attributes:
        w: the very tensor that was asked about.
        merit, slope: the loss `(..., 1)` and its gradient `(..., d)`, without a graph.
        hessian: the map v → H v.
    """

    w: Tensor
    merit: Tensor
    slope: Tensor
    hessian: Callable[[Tensor], Tensor]


class Tape:
    """The last full-batch gradient that was recorded along a run.

    A measure that looks at a point and the step from that point want the same gradient. With the tape it is worked
    out once; the step is told the same bits as without a measure.
    """

    def __init__(self) -> None:
        self.last: Recorded | None = None

    def at(self, w: Tensor) -> Recorded | None:
        """What was recorded at this very tensor; at any other the record is let go, and its memory with it."""
        if self.last is not None and self.last.w is not w:
            self.last = None
        return self.last

    def __reduce__(self) -> tuple:
        return Tape, ()  # a graph stays where it is: copies begin empty


def value_and_grad(problem: Problem, x: Tensor, data: Any, graph: bool) -> tuple[Tensor, Tensor]:
    """The loss `(..., 1)` at `x` and its gradient `(..., d)`; with `graph` both hang on `x`."""
    if _writes(type(problem), "loss_and_grad"):
        return problem.loss_and_grad(x, data)
    with torch.enable_grad():
        if not graph:
            x = x.detach().requires_grad_()
        value = problem.loss(x, data)
        return value, torch.autograd.grad(value, x, torch.ones_like(value), create_graph=graph)[0]


def record(problem: Problem, w: Tensor, x: Tensor, data: Any, graph: bool) -> Recorded:
    """Loss, gradient and Hessian products at `x`, for one who asked about `w`; with `graph` products hang on `x`."""
    if not graph and _writes(type(problem), "curvature"):
        with torch.no_grad():
            return Recorded(w, *problem.curvature(x, data))
    with torch.enable_grad():
        leaf = x if graph else x.detach().requires_grad_()
        merit, slope = value_and_grad(problem, leaf, data, True)

    def product(v: Tensor) -> Tensor:
        if not slope.requires_grad:  # a linear loss: its Hessian is zero
            return torch.zeros_like(v)
        with torch.enable_grad():
            return torch.autograd.grad(slope, leaf, v, retain_graph=True, create_graph=graph)[0]

    return Recorded(w, merit.detach(), slope.detach(), product)


@cache
def _writes(problem: type, what: str) -> bool:
    """Whether the class writes this out, and for the loss that it has: a subclass may change the loss."""
    names = (what, "loss", "outputs", "criterion", "penalty")
    first, *others = (next((i for i, c in enumerate(problem.__mro__) if n in vars(c)), 99) for n in names)
    return first <= min(others) and getattr(problem, what, None) is not None


def gauss_newton(problem: Problem, w: Tensor, data: Any) -> Callable[[Tensor], Tensor]:
    r"""The map $v \mapsto (J^\top \nabla^2\ell\, J + \nabla^2 r)\, v$ of a loss $\ell(f(w)) + r(w)$ with $J = f'(w)$.

    Plain backward passes on graphs that are recorded once: $J^\top u$ is linear in u, so that its own derivative
    along v is $J v$. Schraudolph, Fast Curvature Matrix-Vector Products (2002).

    Raises:
        AtlasError: the problem does not say what its loss is a function of.
    """
    with torch.enable_grad():
        x = w.detach().requires_grad_()
        try:
            f = problem.outputs(x, data)
        except NotImplementedError as error:
            raise AtlasError(
                f"{problem.slug} has no Gauss-Newton matrix: its loss is no function of outputs; ask for the Hessian."
            ) from error
        out = f.detach().requires_grad_()
        u = torch.zeros_like(f, requires_grad=True)
        back = torch.autograd.grad(f, x, u, create_graph=True)[0]
        slope, penalty = _slope(problem.criterion(out, data), out), problem.penalty(x)
        added = None if penalty is None else _slope(penalty, x)

    def product(v: Tensor) -> Tensor:
        forward = torch.autograd.grad(back, u, v, retain_graph=True)[0]
        curved = torch.autograd.grad(slope, out, forward, retain_graph=True)[0]
        found = torch.autograd.grad(f, x, curved, retain_graph=True)[0]
        return found if added is None else found + torch.autograd.grad(added, x, v, retain_graph=True)[0]

    return product


def _slope(value: Tensor, x: Tensor) -> Tensor:
    return torch.autograd.grad(value, x, torch.ones_like(value), create_graph=True)[0]
