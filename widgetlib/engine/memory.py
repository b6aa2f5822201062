"""How many members fit into a budget together: what a step allocates is counted, not guessed."""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from widgetlib.core.algebra import leaves
from widgetlib.core.point import Point, advance
from widgetlib.core.words import AtlasError

CACHE = 2**24  # bytes that members on the CPU allocate together: more of them would only wait for memory
KEPT = 2**26  # bytes that a step has freed and that stay with the process for the next one


@cache
def keep_freed() -> None:
    """Tells glibc to keep what a step frees.

    By default it hands large pieces back to the system, and to ask for them again takes as long as the arithmetic.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if hasattr(libc, "mallopt"):
        trim_threshold, mmap_threshold = -1, -3  # names of malloc.h
        libc.mallopt(trim_threshold, KEPT)
        libc.mallopt(mmap_threshold, KEPT // 2)


class Room(NamedTuple):
    """How a budget is spent.

    Attributes:
        steps: how many members take a step at once; None for all.
        looks: how many members' merit is worked out at once; None for all.
        checkpoints: bytes that are left for w and state.
    """

    steps: int | None
    looks: int | None
    checkpoints: int


def held(point: Point) -> int:
    """Bytes of one checkpoint."""
    return sum(x.numel() * x.element_size() for x in (point.w, *leaves(point.state)))


def room(point: Point, memory: int, turns: bool = True) -> Room:
    """What a budget allows to the members of a sweep: half of it for their steps, the rest for checkpoints.

    Args:
        turns: whether they may take a step one after the other.

    Raises:
        AtlasError: one member does not fit, or all of them where they must step together.
    """
    lead = point.w.shape[:-1]
    members, one = math.prod(lead), point.member(*[slice(0, 1)] * len(lead))
    step = allocated(lambda: advance(one))
    look = allocated(lambda: one.oracle().uncounted().merit_at(one.w))
    least = held(point) + max(step, look) * (1 if turns else members)
    if least > memory:
        who = "one member" if turns else f"all {members} members, which compile steps together,"
        raise AtlasError(
            f"memory is {memory} bytes, but {who} and where they start take {least}; raise memory, or sweep over fewer."
        )
    if not turns:
        return Room(None, None, memory - members * step)
    most = memory // 2 if point.w.is_cuda else min(memory // 2, CACHE)
    steps, looks = max(1, most // step), max(1, most // look)
    return Room(steps, looks, memory - min(steps, members) * step)


def allocated(f: Callable[[], Any]) -> int:
    """Bytes of all tensors that `f` makes: at least what it holds at any moment."""
    with torch.no_grad(), _Allocations() as seen:
        f()
    return seen.bytes


class _Allocations(TorchDispatchMode):
    """Adds up the new memory of every operation inside, backward passes included."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 1

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        out = func(*args, **(kwargs or {}))
        old = {x.untyped_storage().data_ptr() for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)}
        new = {x.untyped_storage().data_ptr(): x for x in tree_leaves(out) if isinstance(x, torch.Tensor)}
        self.bytes += sum(x.untyped_storage().nbytes() for p, x in new.items() if p not in old)
        return out
