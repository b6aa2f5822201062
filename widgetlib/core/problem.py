"""Problem: a loss with its unknowns, data, start points and a window worth looking at."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from widgetlib.core.layout import Layout
from widgetlib.core.oracle import Minimize, Oracle
from widgetlib.core.words import AtlasError, Start, nearest


class Problem:
    """A frozen dataclass whose fields are its settings; one file each in `problems/<world>/`.

    A subclass defines `layout` and `loss`, or `outputs` and `criterion` in its place, and what it has of the rest. It
    serves leading axes: `w` is `(..., d)`, data may be `(..., b, features)`. What it may define besides:
    `accuracy(w, data)`, `(..., 1)`, where there are classes; `loss_and_grad(w, data)`, where that is faster than the
    backward pass; and, where a slice is faster than its points, `loss_on(origin, axes, data)`: the losses `(m, 1)` at
    `origin + c @ axes` by c `(m, k)`.
    """

    title: str = ""
    idea: str = ""
    oracle: type[Oracle] = Minimize  # the richest world that it offers; each offers all of those before it
    dtype: torch.dtype = torch.float64
    samples: int | None = None  # rows of the data; None where there are none
    starts: tuple[Start, ...] = (Start("drawn from the seed"),)
    minima: tuple[tuple[float, ...], ...] = ()  # known minimisers, d numbers each
    opens_cards: bool = False  # whether a card opens on it, among the problems that fit its method
    window: tuple[tuple[float, float], tuple[float, float]] | None = None  # of the first two coordinates

    @property
    def slug(self) -> str:
        """The name of the file."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def layout(self) -> Layout:
        """The named parts of the unknowns."""
        raise NotImplementedError

    def load(self) -> Any:
        """The data: a NamedTuple of CPU tensors, samples first; `()` where there are none."""
        return ()

    def loss(self, w: Tensor, data: Any) -> Tensor:
        """The loss at `w` of shape `(..., d)` on `data`, `(..., 1)`."""
        value, penalty = self.criterion(self.outputs(w, data), data), self.penalty(w)
        return value if penalty is None else value + penalty

    def outputs(self, w: Tensor, data: Any) -> Tensor:
        """What the loss is a convex function of: the outputs of a net, `(..., n, outputs)`."""
        raise NotImplementedError

    def criterion(self, outputs: Tensor, data: Any) -> Tensor:
        """The loss of these outputs, `(..., 1)`, without the penalty."""
        raise NotImplementedError

    def penalty(self, w: Tensor) -> Tensor | None:
        """What the loss adds to the criterion, `(..., 1)`; None for nothing."""
        return None

    def draw(self, generator: torch.Generator) -> Tensor:
        """A start `(d,)` drawn from the seed, for the start points that are not written down."""
        raise NotImplementedError

    def start(self, name: str | None = None, seed: int = 0) -> Tensor:
        """The start point of that name (the first by default), `(d,)`, in the problem's dtype.

        Raises:
            AtlasError: there is no start point of that name.
        """
        points = {start.name: start.point for start in self.starts}
        if name is not None and name not in points:
            raise AtlasError(f"{self.slug} has no start point {name!r}; {nearest(name, points)}")
        point = points[name] if name is not None else self.starts[0].point
        if point:
            return torch.tensor(point, dtype=self.dtype)
        return self.draw(torch.Generator().manual_seed(seed)).to(self.dtype)
