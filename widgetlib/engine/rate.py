"""A rate to begin with: one batched sweep of short runs."""

from __future__ import annotations

from collections.abc import Callable

import torch

from widgetlib.core.method import Method
from widgetlib.core.problem import Problem
from widgetlib.core.words import Range
from widgetlib.engine.run import Running, sweep


def good_rate(
    method: Method,
    problem: Problem,
    name: str,
    legal: Range,
    steps: int,
    members: int = 32,
    on_step: Callable[[Running], None] | None = None,
) -> float:
    """Half the rate that reaches the lowest loss within `steps`, of `members` spread evenly over `legal` in log.

    Half, since the best rate of a short run stands close to the edge of stability.

    Args:
        name: dotted name of the rate among the method's fields.
        legal: its range.
        on_step: may stop the search; what was reached by then decides.

    Returns:
        A rate inside `legal`.
    """
    low, high = torch.tensor([legal.low, legal.high], dtype=torch.float64).log10().tolist()
    rates = torch.logspace(low, high, members, dtype=torch.float64).tolist()
    trace = sweep(method, problem, steps, over={name: rates}, on_step=on_step)
    last = torch.nan_to_num(trace.merit[-1].double(), nan=torch.inf, posinf=torch.inf)
    return min(max(rates[int(last.argmin())] / 2, legal.low), legal.high)
