"""The loop: steps all members of one batch together and records them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from widgetlib.core.method import Method, fields_of, same_kind, with_fields
from widgetlib.core.point import Point, advance
from widgetlib.core.problem import Problem
from widgetlib.core.record import on
from widgetlib.core.trace import Trace
from widgetlib.core.words import AtlasError
from widgetlib.engine.compiled import BLOCK, compiled
from widgetlib.engine.memory import Room, held, keep_freed, room
from widgetlib.engine.recorder import Bar, Recorder, Running

CHECK = BLOCK  # steps between two looks at whether any member is still finite


@dataclass(frozen=True)
class Options:
    """How a run is done, as `run` and `sweep` describe it."""

    batch: int | None
    device: str
    dtype: torch.dtype | None
    on_step: Callable[[Running], None] | None
    progress: bool
    memory: int
    every: int = 1
    compile: bool = False
    measures: Sequence[Any] = ()


def simulate(
    method: Method, problem: Problem, steps: int, coords: dict[str, list], seed: Any, start: Any, options: Options
) -> Trace:  # fmt: skip
    """Steps all members of one batch, whose leading axes are `coords`, and records them.

    Args:
        method: its swept hyperparameters are tensors that broadcast over the leading axes.
        coords: values along each leading axis; `seed` and `start` among them replace the arguments.
        seed, start: what all members share.
    """
    keep_freed()
    seeds, starts = coords.get("seed", [seed]), coords.get("start", [start])
    _check(problem, steps, seeds, options)
    if method.asks() not in {"Any", *(c.__name__ for c in problem.oracle.__mro__)}:
        raise AtlasError(
            f"{method.slug} asks for the world {method.asks()}, and {problem.slug} offers {problem.oracle.__name__}; "
            "choose a problem of its world (wl.problems() lists them)."
        )
    w = _starts(problem, coords, starts, seeds)
    w = w.to(_device(options.device, problem), options.dtype or w.dtype)
    form = [len(values) if name == "seed" else 1 for name, values in coords.items()]
    here = Point(
        _moved(method, w), problem, 0, w, (), np.reshape(seeds, form).tolist(), options.batch, on(problem.load(), w)
    )  # fmt: skip
    if isinstance(start, Point) and same_kind(start.method, method):
        here = replace(here, k=start.k, state=on(start.state, w))
    else:
        here = replace(here, state=here.method.init(here.oracle(), w))
    unit = math.lcm(options.every, BLOCK) if options.compile else options.every
    fit = room(here, options.memory, turns=not options.compile) if coords else Room(None, None, options.memory)
    here = replace(here, together=fit.steps)
    stride = unit * max(1, -(-held(here) * (steps // unit + 1) // max(fit.checkpoints, 1)))
    recorder = Recorder(here, coords, options.every, stride, fit.looks)
    running = Running(steps, recorder)
    bar = Bar() if options.progress else None
    with torch.no_grad():
        block = compiled(here) if options.compile and steps >= BLOCK else None
        _observe(options.measures, here, last=steps == 0)
        while running.k < steps:
            if block and steps - running.k >= BLOCK:
                here, merits, infos, cost = block(here)
                recorder.steps(merits, infos, here, cost)
                running.k += BLOCK
            else:
                here, merit, info = advance(here, recorder.cost)
                recorder.step(merit, info, here)
                running.k += 1
            if options.on_step:
                options.on_step(running)
            hopeless = running.k % CHECK == 0 and recorder.hopeless()
            ended = running.stopped or hopeless or running.k == steps
            if bar:
                bar.show(running, ended)
            _observe(options.measures, here, last=ended)
            if ended:
                break
    trace = recorder.trace(running.stopped)
    trace.measures = {m.name: m.table(trace.attrs()) for m in options.measures}
    return trace


def _check(problem: Problem, steps: int, seeds: list, options: Options) -> None:
    """Every argument that has no place of its own to be found wrong."""
    batch = options.batch
    if not isinstance(steps, (int, np.integer)) or steps < 0:
        raise AtlasError(f"steps is {steps!r}; it must be a whole number, 0 or more.")
    if not isinstance(options.every, (int, np.integer)) or options.every < 1:
        raise AtlasError(f"every is {options.every!r}; it must be a whole number of steps, 1 or more.")
    for seed in seeds:
        if not isinstance(seed, (int, np.integer)) or abs(seed) >= 2**63:
            raise AtlasError(f"the seed is {seed!r}; it must be a whole number of at most 63 bits.")
    if batch is not None and not problem.samples:
        raise AtlasError(f"batch is {batch}, but {problem.slug} has no samples; leave batch out.")
    if batch is not None and not 1 <= batch <= problem.samples:
        raise AtlasError(f"batch is {batch}; {problem.slug} has {problem.samples} samples: choose from 1 to that.")
    for m in options.measures:
        if not hasattr(m, "observe"):
            raise AtlasError(f"{m!r} cannot look at a run as it goes; give a measure such as wl.measure.Sharpness().")


def _observe(measures: Sequence[Any], point: Point, last: bool) -> None:
    for m in measures:
        if point.k % m.every == 0 or last:
            m.observe(point)


def _starts(problem: Problem, coords: dict[str, list], starts: list, seeds: list) -> Tensor:
    """Start points of all members, `(*lead, d)`."""
    size = problem.layout.size

    def one(start: Any, seed: int) -> Tensor:
        if start is None or isinstance(start, str):
            return problem.start(start, seed)
        try:
            w = start.w if isinstance(start, Point) else torch.as_tensor(start, dtype=problem.dtype)
        except (TypeError, ValueError, RuntimeError) as error:
            raise AtlasError(f"the start {start!r} is no point: give a name or {size} numbers.") from error
        if w.shape != (size,) or not torch.isfinite(w).all():
            raise AtlasError(
                f"a start of shape {tuple(w.shape)} does not fit {problem.slug}: give {size} finite numbers "
                "(of a sweep, one member: t.at(k).member(i))."
            )
        return w

    if not coords:
        return one(starts[0], seeds[0])
    if any(isinstance(start, Point) for start in starts):
        raise AtlasError("a sweep starts at names or coordinates; go on from a Point with run(start=...).")
    grid = torch.stack([torch.stack([one(start, seed) for start in starts]) for seed in seeds])
    form = [len(values) if name in ("seed", "start") else 1 for name, values in coords.items()]
    return grid.reshape(*form, size).expand(*map(len, coords.values()), size).clone()


def _device(device: str, problem: Problem) -> torch.device:
    """`auto` takes a GPU only where the work is large enough to pay for its launches."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() and problem.layout.size > 20_000 else "cpu"
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        raise AtlasError(f"device {device!r} is not available here; use device='cpu' or 'auto'.") from error


def _moved(method: Method, like: Tensor) -> Method:
    """Hyperparameter tensors in w's dtype and device: a float64 rate would promote a float32 net."""
    tensors = {n: v.to(like) for n, v in fields_of(method).items() if isinstance(v, Tensor)}
    return with_fields(method, tensors) if tensors else method
