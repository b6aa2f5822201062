"""Layout: the named parts of a flat vector of unknowns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor


class Layout:
    """Names and shapes of the parts that stand one after the other in `w` of shape `(..., size)`.

    Args:
        parts: name to shape, in order; a shape `()` is one number.
    """

    def __init__(self, parts: Mapping[str, tuple[int, ...]]):
        self.parts = {name: tuple(shape) for name, shape in parts.items()}
        self.sizes = [math.prod(shape) for shape in self.parts.values()]
        self.size = sum(self.sizes)

    def views(self, w: Tensor) -> dict[str, Tensor]:
        """The parts of `w`, each `(..., *shape)`; views, so that gradients flow."""
        pieces = torch.split(w, self.sizes, dim=-1)
        return {
            name: piece.reshape((*w.shape[:-1], *shape))
            for (name, shape), piece in zip(self.parts.items(), pieces, strict=True)
        }

    def flat(self, parts: Mapping[str, Tensor]) -> Tensor:
        """The inverse of `views`: `(..., size)`."""
        lead = next(iter(parts.values())).shape
        lead = lead[: len(lead) - len(next(iter(self.parts.values())))]
        return torch.cat([parts[name].reshape((*lead, -1)) for name in self.parts], dim=-1)

    def map(self, f: Callable[..., Tensor], w: Tensor, *args: Tensor, vector: Callable[..., Tensor]) -> Tensor:
        """Applies `f` to each matrix of `w` and `vector` to everything else.

        A part of more than two axes is handed over as the matrix of its first axis against the rest.

        Args:
            f: takes a view `(..., m, n)` and the arguments' matching views; returns `(..., m, n)`.
            w: `(..., size)`.
            args: further tensors: `(..., size)` is split as `w` is, `(..., 1)` arrives as `(..., 1, 1)`
                (a rate that kept its shape would broadcast along m without an error).
            vector: takes `(..., n)` and the arguments' parts.
        """
        split = [self.views(a) if a.shape[-1] == self.size != 1 else None for a in args]
        out = {}
        for name, part in self.views(w).items():
            shape = self.parts[name]
            lead = part.shape[: part.ndim - len(shape)]
            form = (*lead, shape[0], -1) if len(shape) > 1 else (*lead, -1)

            def cast(piece: Tensor, form: tuple = form) -> Tensor:
                return piece.reshape(*piece.shape[: piece.ndim - len(shape)], *form[len(lead) :])  # noqa: B023

            inputs = [
                cast(views[name]) if views else (a.unsqueeze(-1) if len(shape) > 1 else a)
                for a, views in zip(args, split, strict=True)
            ]
            out[name] = (f if len(shape) > 1 else vector)(cast(part), *inputs).reshape(part.shape)
        return self.flat(out)
