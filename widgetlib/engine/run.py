"""run and sweep: step a method over a problem, one member or hundreds at once, and record."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from widgetlib.core.algebra import leaves, map_leaves
from widgetlib.core.method import Method, fields_of, with_fields
from widgetlib.core.oracle import Cost
from widgetlib.core.problem import Problem
from widgetlib.core.record import on
from widgetlib.core.trace import Point, Trace
from widgetlib.core.words import AtlasError, nearest

MEMORY = 2**28  # bytes for checkpoints of w and state; beyond it fewer are kept and the rest replayed
CHECK = 20  # steps between two looks at whether any member is still finite
COUNTERS = [field.name for field in dataclasses.fields(Cost)]


class Running:
    """A run under way, as `on_step` sees it.

    Attributes:
        k: number of the step just taken, counted from where the run began.
        steps: how many were asked for.
    """

    def __init__(self, steps: int, recorder: _Recorder):
        self.k, self.steps, self.stopped = 0, steps, False
        self._recorder, self._began = recorder, time.perf_counter()

    @property
    def left(self) -> float:
        """Seconds that the rest will take at the pace so far."""
        return (time.perf_counter() - self._began) / max(self.k, 1) * (self.steps - self.k)

    def stop(self) -> None:
        """Ends the run after this step; what there is comes back as a Trace."""
        self.stopped = True

    def trace(self) -> Trace:
        """What has been recorded so far."""
        return self._recorder.trace()

    @property
    def point(self) -> Point:
        """Where the run stands now."""
        return self._recorder.point


def run(
    method: Method,
    problem: Problem,
    steps: int,
    *,
    seed: int = 0,
    start: str | Tensor | Sequence[float] | Point | None = None,
    batch: int | None = None,
    device: str = "auto",
    dtype: torch.dtype | None = None,
    measure: Iterable[Any] = (),
    on_step: Callable[[Running], None] | None = None,
    progress: bool = False,
    memory: int = MEMORY,
) -> Trace:
    """Runs `method` on `problem` and records it.

    Args:
        steps: how many steps to take.
        seed: decides drawn start points, mini-batches and noise.
        start: name of a start point, `d` coordinates, or a Point of another run to go on from (the state
            goes on too where the method is of the same kind, and begins anew where it is not).
        batch: samples in a mini-batch; None for all.
        device: `auto`, `cpu`, `cuda`, ...
        dtype: None for the problem's own.
        measure: measures that look at the run as it goes, such as `wl.measure.Sharpness(every=50)`; their
            tables are in `trace.measures`.
        on_step: called after each step with a `Running`; may stop the run.
        progress: whether a line with the time left is printed.
        memory: bytes for checkpoints.

    Returns:
        Trace with `steps + 1` iterates, or fewer where the run was stopped or stopped being finite.

    Raises:
        AtlasError: an argument that does not fit, with what to do.
    """
    return _simulate(method, problem, steps, (), {}, seed, [start], batch, device, dtype, measure, on_step, progress, memory)


def sweep(
    method: Method,
    problem: Problem,
    steps: int,
    over: Mapping[str, Iterable[Any]] | None = None,
    *,
    seeds: Iterable[int] | None = None,
    starts: Iterable[Any] | None = None,
    batch: int | None = None,
    device: str = "auto",
    dtype: torch.dtype | None = None,
    on_step: Callable[[Running], None] | None = None,
    progress: bool = False,
    memory: int = MEMORY,
) -> Trace:
    """Runs a whole grid at once: every combination of hyperparameters, seeds and starts.

    Args:
        over: hyperparameter by (dotted) name to the values it takes. Floats are batched; values of other
            fields are run one after the other.
        seeds: seeds, compared in pairs: the same seed has the same start, batches and noise everywhere.
        starts: names of start points, or points.

    Returns:
        Trace whose `dims` are the names of `over` in order, then `seed` and `start` where they were given.
        Its members equal the single runs.
    """
    over = {name: list(values) for name, values in (over or {}).items()}
    for name, values in over.items():
        if name not in fields_of(method):
            raise AtlasError(f"{method.slug} has no hyperparameter {name!r}; {nearest(name, fields_of(method))}")
        if not values:
            raise AtlasError(f"the sweep over {name!r} is empty; give at least one value.")
    coords: dict[str, list] = dict(over)
    if seeds is not None:
        coords["seed"] = list(seeds)
    if starts is not None:
        coords["start"] = list(starts)
    dims = tuple(coords)
    sizes = [len(v) for v in coords.values()]
    looped = [n for n in over if not isinstance(fields_of(method)[n], float)] if method.batchable else list(over)
    batched = [n for n in over if n not in looped]

    def group(chosen: tuple) -> Trace:
        columns = {}
        for name in batched:
            shape = [len(over[name]) if d == name else 1 for d in dims if d not in looped]
            columns[name] = torch.tensor(over[name], dtype=dtype or problem.dtype).reshape(*shape, 1)
        member = with_fields(method, dict(zip(looped, chosen, strict=True)) | columns)
        lead = tuple(n for d, n in zip(dims, sizes, strict=True) if d not in looped)
        seed_axis = [1] * len(lead)
        kept_dims = [d for d in dims if d not in looped]
        if "seed" in kept_dims:
            seed_axis[kept_dims.index("seed")] = len(coords["seed"])
        seed = _nest(coords.get("seed", [0]), seed_axis)
        kept = {d: coords[d] for d in kept_dims}
        return _simulate(member, problem, steps, lead, kept, seed, coords.get("start", [None]), batch, device, dtype,
                         (), on_step, progress, memory)  # fmt: skip

    choices = list(itertools.product(*(over[n] for n in looped)))
    traces = [group(chosen) for chosen in choices]
    if not looped:
        return traces[0]
    return _stack(traces, dims, coords, looped, method, over)


def _nest(seeds: list[int], shape: list[int]) -> Any:
    """Seeds as a nest of lists in the form of the leading axes; only one axis is longer than 1."""
    if not shape:
        return seeds[0]
    if shape[0] == 1:
        return [_nest(seeds, shape[1:])]
    return [_nest([seed], [1] * (len(shape) - 1)) for seed in seeds]


def _simulate(
    method: Method, problem: Problem, steps: int, lead: tuple[int, ...], coords: dict, seeds: Any, starts: list,
    batch: int | None, device: str, dtype: torch.dtype | None, measure: Iterable[Any],
    on_step: Callable[[Running], None] | None, progress: bool, memory: int,
) -> Trace:  # fmt: skip
    """Steps all members of one batched group and records them."""
    if steps < 0:
        raise AtlasError(f"steps is {steps}; it must be 0 or more.")
    if batch is not None and not (problem.samples and 1 <= batch <= problem.samples):
        many = problem.samples or "no"
        raise AtlasError(f"batch is {batch}, but {problem.slug} has {many} samples; leave batch out or choose fewer.")
    point = starts[0] if isinstance(starts[0], Point) else None
    w = _starts(problem, lead, tuple(coords), coords, starts, seeds)
    w = w.to(_device(device, problem), dtype or (w.dtype if point else problem.dtype))
    method = _moved(method, w)
    data = on(problem.load(), w)
    k0, state = 0, None
    if point is not None and type(point.method) is type(method):
        k0, state = point.k, point.state
    if state is None:
        state = method.init(problem.oracle(problem, data, 0, seeds, batch), w)
    here = Point(method, problem, k0, w, state, seeds, batch, data)
    recorder = _Recorder(here, steps, lead, coords, memory)
    running = Running(steps, recorder)
    measures = {m.name: m for m in measure}
    bar = _Bar(steps) if progress else None
    with torch.no_grad():
        _observe(measures, here, last=steps == 0)
        for _ in range(steps):
            oracle = here.oracle(recorder.cost)
            w, state, info = method.step(oracle, here.w, here.state)
            loss = oracle.seen[1] if oracle.seen and oracle.seen[0] is here.w else None
            here = Point(method, problem, here.k + 1, w, state, seeds, batch, data)
            recorder.step(loss, info, here)
            running.k += 1
            if on_step:
                on_step(running)
            if bar:
                bar.show(running)
            ended = running.stopped or (running.k % CHECK == 0 and recorder.hopeless())
            _observe(measures, here, last=ended or running.k == steps)
            if ended:
                break
    trace = recorder.trace(running.stopped)
    trace.measures = {name: m.table(trace.attrs()) for name, m in measures.items()}
    return trace


def _observe(measures: dict[str, Any], point: Point, last: bool) -> None:
    for m in measures.values():
        if point.k % m.every == 0 or last:
            m.observe(point)


def _starts(problem: Problem, lead: tuple, dims: tuple, coords: dict, starts: list, seeds: Any) -> Tensor:
    """Start points of all members, `(*lead, d)`, in the problem's dtype."""

    def one(start: Any, seed: int) -> Tensor:
        if isinstance(start, Point):
            return start.w
        if start is None or isinstance(start, str):
            return problem.start(start, seed)
        w = torch.as_tensor(start, dtype=problem.dtype)
        if w.shape[-1:] != (problem.layout.size,) or not torch.isfinite(w).all():
            raise AtlasError(
                f"the start {tuple(w.shape)} does not fit {problem.slug}: give {problem.layout.size} finite numbers."
            )
        return w

    if not lead:
        return one(starts[0], seeds)
    grid = torch.stack([torch.stack([one(a, s) for a in starts]) for s in coords.get("seed", [0])])
    form = [len(coords["seed"]) if d == "seed" else len(starts) if d == "start" else 1 for d in dims]
    return grid.reshape(*form, -1).expand(*lead, -1).clone()


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


class _Recorder:
    """Collects what a Trace holds while a run goes on."""

    def __init__(self, first: Point, steps: int, lead: tuple[int, ...], coords: dict, memory: int):
        size = sum(x.numel() * x.element_size() for x in (first.w, *leaves(first.state)))
        self.stride = max(1, -(-size * (steps + 1) // memory))
        self.first, self.point, self.lead, self.coords = first, first, lead, coords
        self.cost = Cost()
        self.began = time.perf_counter()
        self.losses: list[Tensor] = []
        self.infos: list[dict[str, Tensor]] = []
        self.costs = [(0.0, 0.0, 0.0, 0.0)]
        self.kept = [first]

    def step(self, loss: Tensor | None, info: dict[str, Tensor], point: Point) -> None:
        """Records the loss at the point just left (computed here where the step did not) and the new point."""
        self.losses.append(self._loss(self.point) if loss is None else loss)
        self.infos.append(info)
        c = self.cost
        self.costs.append((c.values, c.gradients, c.products, time.perf_counter() - self.began))
        if (point.k - self.first.k) % self.stride == 0:
            self.kept.append(point)
        self.point = point

    def _loss(self, point: Point) -> Tensor:
        with torch.no_grad():
            return point.oracle().uncounted().loss(point.w)

    def hopeless(self) -> bool:
        """Whether no member is finite any more."""
        return not torch.isfinite(self.losses[-1]).any()

    def trace(self, stopped: bool = False) -> Trace:
        """The Trace so far; reads only, so that a live view may ask at any time."""
        first, n = self.first, len(self.losses)
        losses = torch.stack([*self.losses, self._loss(self.point)]).squeeze(-1).expand(n + 1, *self.lead)
        names = self.infos[0] if self.infos else {}
        info = {name: self._info([i[name] for i in self.infos]) for name in names}
        costs = np.array(self.costs).T
        kept = self.kept[:]
        return Trace(
            first.method, first.problem, tuple(self.coords), self.coords, first.seeds, first.batch, first.data,
            first.k + np.arange(n + 1), losses, dict(zip([*COUNTERS, "seconds"], costs, strict=True)), info,
            np.array([p.k for p in kept]), torch.stack([p.w for p in kept]), [p.state for p in kept], stopped,
        )  # fmt: skip

    def _info(self, rows: list[Any]) -> Tensor:
        like = self.first.w
        rows = [torch.as_tensor(x, dtype=like.dtype, device=like.device).expand(*self.lead, 1) for x in rows]
        return torch.stack([*rows, torch.full_like(rows[0], torch.nan)]).squeeze(-1)


def _stack(traces: list[Trace], dims: tuple, coords: dict, looped: list[str], method: Method, over: dict) -> Trace:
    """Joins the groups of a sweep along the axes that could not be batched."""
    n = min(len(t) for t in traces)
    m = min(len(t.kept) for t in traces)
    inner = [d for d in dims if d not in looped]
    order = [[*looped, *inner].index(d) for d in dims]
    counts = [len(over[name]) for name in looped]

    def join(parts: list[Tensor], tail: int) -> Tensor:
        """Groups `(time, *inner, ...)` to `(time, *dims, ...)`."""
        x = torch.stack(parts).reshape(*counts, *parts[0].shape)
        x = x.movedim(len(counts), 0)
        return x.permute(0, *(1 + i for i in order), *range(x.ndim - tail, x.ndim))

    def state(i: int) -> Any:
        return map_leaves(lambda *xs: join([x[None] for x in xs], 1)[0], *(t.states[i] for t in traces))

    whole = traces[0]
    return dataclasses.replace(
        whole, method=method, dims=dims, coords=coords, steps=whole.steps[:n], parts=traces,
        merit=join([t.merit[:n] for t in traces], 0), cost={c: v[:n] for c, v in whole.cost.items()},
        info={c: join([t.info[c][:n] for t in traces], 0) for c in whole.info},
        kept=whole.kept[:m], w=join([t.w[:m] for t in traces], 1), states=[state(i) for i in range(m)],
    )  # fmt: skip


class _Bar:
    """One line on the terminal or in the notebook: how far, and how long it will take."""

    def __init__(self, steps: int):
        self.steps, self.shown = steps, 0.0

    def show(self, running: Running) -> None:
        now = time.perf_counter()
        if now - self.shown > 0.2 or running.k == self.steps:
            self.shown = now
            end = "\n" if running.k == self.steps or running.stopped else ""
            print(f"\rstep {running.k} of {self.steps}, {running.left:.0f} s left   ", end=end, flush=True)
