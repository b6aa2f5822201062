"""Joins the runs of a sweep that could not be batched into one Trace."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from widgetlib.core.method import Method
from widgetlib.core.trace import Trace


def join(parts: list[Trace], method: Method, coords: dict[str, list]) -> Trace:
    """One Trace over all of `coords` from the runs of its combinations.

    A part that ended early is NaN from there on: the others went on.

    Args:
        parts: one a combination of the coordinates that the parts do not have themselves, the last of
            these varying fastest.
        method: gives the hyperparameters that were not swept.
        coords: values along each dimension, in order.

    Returns:
        Trace whose `parts` can be replayed one by one.
    """
    longest = max(parts, key=lambda t: t.steps[-1])
    n, inner = len(longest), list(parts[0].dims)
    looped = [name for name in coords if name not in inner]
    order = [[*looped, *inner].index(name) for name in coords]

    def spread(columns: list[Tensor]) -> Tensor:
        """Columns `(time, *inner, ...)` of the parts as one `(time, *dims, ...)`."""
        x = torch.stack(columns, 1)
        x = x.reshape(len(x), *(len(coords[name]) for name in looped), *x.shape[2:])
        return x.permute(0, *(1 + i for i in order), *range(1 + len(order), x.ndim))

    def padded(t: Trace, x: Tensor) -> Tensor:
        x = x[torch.from_numpy(np.isin(t.steps, longest.steps))]  # the last iterate of a run may lie between
        return torch.cat([x, x.new_full((n - len(x), *x.shape[1:]), torch.nan)])

    def cost(name: str) -> np.ndarray:
        """What each member was charged; after its end, what it was charged by then."""
        lead = [len(coords[d]) for d in inner]
        columns = [np.interp(longest.steps, t.steps, t.cost[name]) for t in parts]
        return spread([torch.from_numpy(c).reshape(n, *[1] * len(lead)).expand(n, *lead) for c in columns]).numpy()

    kept = sorted(set.union(*(set(t.kept.tolist()) for t in parts)))
    kept = [k for k in kept if all(k in t.kept or k > t.steps[-1] for t in parts)]

    def iterates(t: Trace) -> Tensor:
        rows = np.searchsorted(t.kept, [k for k in kept if k <= t.steps[-1]])
        w = t.w[rows]
        return torch.cat([w, w.new_full((len(kept) - len(w), *w.shape[1:]), torch.nan)])

    return dataclasses.replace(
        longest, method=method, dims=tuple(coords), coords=coords, parts=parts, states=[], measures={},
        stopped=any(t.stopped for t in parts), merit=spread([padded(t, t.merit) for t in parts]),
        cost={name: cost(name) for name in longest.cost},
        info={name: spread([padded(t, t.info[name]) for t in parts])
              for name in longest.info if all(name in t.info for t in parts)},
        kept=np.array(kept), w=spread([iterates(t) for t in parts]),
    )  # fmt: skip
