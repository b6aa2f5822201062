"""Mini-batches: which rows a step sees, as a function of (seed, step, call) alone."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

BLOCK = 16  # steps that are drawn together: most of a draw's time is numpy's, whatever its size


def rows(seeds: Any, k: int, call: int, samples: int, batch: int) -> np.ndarray:
    """Rows of the mini-batch of step `k`, all different, each subset equally likely.

    Args:
        seeds: nest of ints, one a member.
        k: number of the step.
        call: number of the draw within the step.
        samples: how many rows there are.
        batch: how many are drawn.

    Returns:
        Row numbers `(*form of seeds, batch)`; a member's are those that its seed has alone.
    """
    form = np.asarray(seeds, dtype=np.int64)
    drawn = _block(tuple(form.ravel().tolist()), k // BLOCK, call, samples, batch)
    return drawn[:, k % BLOCK].reshape(*form.shape, batch)


@lru_cache(maxsize=32)
def _block(seeds: tuple[int, ...], block: int, call: int, samples: int, batch: int) -> np.ndarray:
    """Rows of BLOCK steps, `(seeds, BLOCK, batch)`."""
    steps = np.arange(block * BLOCK, (block + 1) * BLOCK)
    key = _mix(np.array(seeds)[:, None]) ^ _mix(steps) ^ _mix(_mix(np.array([call])))
    if 2 * batch <= samples:
        return _distinct(key, samples, batch)
    kept = np.ones((*key.shape, samples), bool)  # what is left when the others are taken away
    np.put_along_axis(kept, _distinct(key, samples, samples - batch), False, -1)
    return np.nonzero(kept)[-1].reshape(*key.shape, batch)


def _distinct(key: np.ndarray, samples: int, batch: int) -> np.ndarray:
    """The first `batch` different numbers below `samples` in the stream of each key."""
    length = 8 + batch + int(batch**2 / samples)
    while True:
        stream = _mix(key[..., None] + np.arange(length, dtype=np.uint64)) >> np.uint64(11)
        x = (stream * (samples * 2.0**-53)).astype(np.int64)
        bits = length.bit_length()
        order = np.sort(x << bits | np.arange(length), -1)  # equal numbers side by side, the earliest first
        again = np.nonzero(order[..., 1:] >> bits == order[..., :-1] >> bits)
        new = np.ones(x.shape, bool)
        new[(*again[:-1], order[..., 1:][again] & (1 << bits) - 1)] = False
        rank = new.cumsum(-1)
        if (rank[..., -1] >= batch).all():
            return x[new & (rank <= batch)].reshape(*x.shape[:-1], batch)
        length *= 2  # the stream goes on: what it has said stays


def _mix(x: np.ndarray) -> np.ndarray:
    """The output function of splitmix64 (Steele, Lea and Flood 2014): neighbours become unrelated."""
    x = x.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
