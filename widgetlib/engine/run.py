"""run and sweep: a method on a problem, one member or hundreds at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from widgetlib.core.join import join
from widgetlib.core.method import Method, check_field, fields_of, with_fields
from widgetlib.core.point import Point
from widgetlib.core.problem import Problem
from widgetlib.core.trace import Trace
from widgetlib.core.words import AtlasError, nearest
from widgetlib.engine.recorder import Running
from widgetlib.engine.simulate import Options, simulate

MEMORY = 2**28  # bytes


def run(
    method: Method,
    problem: Problem,
    steps: int,
    *,
    seed: int = 0,
    start: str | Tensor | Sequence[float] | Point | None = None,
    batch: int | None = None,
    every: int = 1,
    device: str = "auto",
    dtype: torch.dtype | None = None,
    measure: Iterable[Any] = (),
    on_step: Callable[[Running], None] | None = None,
    progress: bool = False,
    memory: int = MEMORY,
) -> Trace:
    """Runs `method` on `problem` and records it.

    Args:
        method: what steps, `wl.method(...)`.
        problem: what is minimised, `wl.problem(...)`.
        steps: how many steps to take.
        seed: decides drawn start points, mini-batches and noise.
        start: name of a start point, `d` coordinates, or a Point of another run to go on from (the state
            goes on too where the method is of the same kind, and begins anew where it is not).
        batch: samples in a mini-batch; None for all.
        every: steps between two recorded iterates. With mini-batches the merit on all data is most of the work.
        device: `auto`, `cpu`, `cuda`, ...
        dtype: None for the problem's own.
        measure: measures that look at the run as it goes, such as `wl.measure.Sharpness(every=50)`; their
            tables are in `trace.measures`.
        on_step: called after each step with a `Running`; may stop the run.
        progress: whether a line with the time left is printed.
        memory: bytes for checkpoints; beyond them iterates are replayed.

    Returns:
        Trace with `steps + 1` iterates (or each `every`-th and the last), fewer where the run was stopped or stopped
        being finite.

    Raises:
        AtlasError: an argument that does not fit, with what to do.
    """
    options = Options(batch, device, dtype, on_step, progress, memory, every, measures=tuple(measure))
    return simulate(method, problem, steps, {}, seed, start, options)


def sweep(
    method: Method,
    problem: Problem,
    steps: int,
    over: Mapping[str, Iterable[Any]] | None = None,
    *,
    seeds: Iterable[int] | None = None,
    starts: Iterable[Any] | None = None,
    batch: int | None = None,
    every: int = 1,
    device: str = "auto",
    dtype: torch.dtype | None = None,
    on_step: Callable[[Running], None] | None = None,
    progress: bool = False,
    memory: int = MEMORY,
    compile: bool = False,
) -> Trace:
    """Runs a whole grid at once: every combination of hyperparameters, seeds and starts.

    Args:
        method: gives the hyperparameters that are not swept.
        problem, steps, batch, every, device, dtype, on_step, progress: as in `run`.
        over: hyperparameter by (dotted) name to the values it takes. Floats, seeds and starts are batched;
            values of other fields are run one after the other, and so is all of a method that says
            `batchable = False`.
        seeds: seeds, compared in pairs: the same seed has the same start, batches and noise everywhere.
        starts: names of start points, or points `(d,)`.
        memory: bytes for checkpoints and for what a step allocates. Members that do not fit together take each step
            in turns; iterates that do not fit are replayed.
        compile: whether twenty steps at a time become one compiled function, which takes half a minute and a C++
            compiler and makes long sweeps of small functions ten times faster: the same numbers to rounding.
            Checkpoints, `on_step` and stopping are then for every twentieth step.

    Returns:
        Trace whose `dims` are the names of `over` in order, then `seed` and `start` where they were given.
        Its members equal the single runs.

    Raises:
        AtlasError: an argument that does not fit, with what to do.
    """
    coords = {name: list(values) for name, values in (over or {}).items()}
    hyper = fields_of(method)
    for name, values in coords.items():
        if name not in hyper:
            raise AtlasError(f"{method.slug} has no hyperparameter {name!r}; {nearest(name, hyper)}")
        coords[name] = [check_field(method, name, value) for value in values]
    coords |= {name: list(v) for name, v in {"seed": seeds, "start": starts}.items() if v is not None}
    for name, values in coords.items():
        if not values:
            raise AtlasError(f"the sweep over {name!r} is empty; give at least one value.")
    options = Options(batch, device, dtype, on_step, progress, memory, every, compile)
    batched = {n: v for n, v in coords.items() if method.batches() and isinstance(hyper.get(n, 0.0), float)}
    looped = [n for n in coords if n not in batched]

    def group(chosen: dict[str, Any]) -> Trace:
        seed, start = chosen.pop("seed", 0), chosen.pop("start", None)
        for name in set(batched) & set(hyper):
            form = [len(values) if n == name else 1 for n, values in batched.items()]
            chosen[name] = torch.tensor(batched[name], dtype=torch.float64).reshape(*form, 1)
        return simulate(with_fields(method, chosen), problem, steps, batched, seed, start, options)

    choices = itertools.product(*(coords[n] for n in looped))
    parts = [group(dict(zip(looped, chosen, strict=True))) for chosen in choices]
    return join(parts, method, coords) if looped else parts[0]
