"""Many steps as one compiled function: an opt-in for long sweeps."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.fx import Graph, GraphModule

from widgetlib.core.algebra import leaves, map_leaves
from widgetlib.core.method import fields_of, with_fields
from widgetlib.core.oracle import Cost
from widgetlib.core.point import Point, advance, moved
from widgetlib.core.words import AtlasError

BLOCK = 20  # steps in one function: fewer would be felt in each call, more in the time of compiling
_made: dict[tuple, Callable[[Point], Block]] = {}  # by what their code depends on: compiling takes half a minute


class Block(NamedTuple):
    """What BLOCK steps left.

    Attributes:
        point: where they ended.
        merits: merit at each of the points left behind, `(..., 1)` each.
        infos: what the method recorded at each of them.
        cost: what one member was charged.
    """

    point: Point
    merits: Sequence[Tensor]
    infos: Sequence[dict[str, Tensor]]
    cost: Cost


def compiled(first: Point) -> Callable[[Point], Block]:
    """A function that takes BLOCK steps at once, for points that differ from `first` in numbers alone.

    The steps are traced as they run, with the number of the step as an unknown: what follows from it alone (bias
    corrections) becomes a small function of its own, the rest one loop after the other over members that lie side by
    side in memory. Swept values are inputs: another sweep over as many finds the function compiled.

    Raises:
        AtlasError: no compiler, one that fails, or a step that draws or decides by its number.
    """
    from torch._inductor import config

    if first.batch is not None:
        raise AtlasError("compile works on the full batch, a mini-batch is drawn at each step: leave one of them out.")
    if not any(name and shutil.which(name) for name in config.cpp.cxx):
        raise AtlasError(
            "compile needs a C++ compiler such as g++, and there is none here: leave it out or install one."
        )
    inputs = [_side_by_side(x) for x in _inputs(first)]
    kinds = [fields_of(first.method) | {"": type(first.method)}, fields_of(first.problem) | {"": type(first.problem)}]
    plain = [(n, x) for kind in kinds for n, x in kind.items() if not isinstance(x, Tensor)]
    key = (*plain, *((n, x.shape, x.dtype, x.device) for n, x in enumerate(inputs)))
    if key not in _made:
        _made[key] = _block(first, inputs)
    return _made[key]


def _inputs(point: Point) -> list[Tensor]:
    """What a block depends on: unknowns, state and swept hyperparameters."""
    swept = [x for x in fields_of(point.method).values() if isinstance(x, Tensor)]
    return [point.w, *leaves(point.state), *swept]


def _side_by_side(x: Tensor) -> Tensor:
    """The same numbers, in memory member by member where there are more members than coordinates."""
    if x[..., 0].numel() <= x.shape[-1]:
        return x.contiguous()
    return x.movedim(-1, 0).contiguous().movedim(0, -1)


def _block(first: Point, inputs: list[Tensor]) -> Callable[[Point], Block]:
    """Traces and compiles the steps from `first` on."""
    cost, names = Cost(), []

    def steps(k: Tensor, *tensors: Tensor) -> list[Tensor]:
        left = iter(tensors)
        w, state = next(left), map_leaves(lambda _: next(left), first.state)
        swept = {n: next(left) for n, x in fields_of(first.method).items() if isinstance(x, Tensor)}
        point = Point(with_fields(first.method, swept), first.problem, k, w, state, data=first.data)
        rows = []
        for _ in range(BLOCK):
            there = point
            point, merit, info = advance(there, cost)
            names[:] = info
            rows.append([there.oracle().uncounted().merit_at(there.w) if merit is None else merit, *info.values()])
        return [*map(torch.stack, zip(*rows, strict=True)), point.w, *leaves(point.state)]

    number = partial(torch.tensor, dtype=torch.float64)
    run = _compile(steps, f"{first.method.slug} on {first.problem.slug}", number(float(first.k)), *inputs)
    strides = [x.stride() for x in inputs]

    def block(point: Point) -> Block:
        given = zip(_inputs(point), strides, strict=True)
        merits, *rest = run(number(float(point.k)), *(x if x.stride() == s else _side_by_side(x) for x, s in given))
        infos, (w, *state) = rest[: len(names)], rest[len(names) :]
        left = iter(state)
        end = moved(point, w, map_leaves(lambda _: next(left), point.state), BLOCK)
        rows = [dict(zip(names, row, strict=True)) for row in zip(*infos, strict=True)] if names else [{}] * BLOCK
        return Block(end, merits.unbind(), rows, cost)

    return block


def _compile(f: Callable[..., list[Tensor]], what: str, k: Tensor, *inputs: Tensor) -> Callable[..., list[Tensor]]:
    """`f` traced on these inputs and compiled, what follows from `k` alone apart from the rest."""
    from torch import _inductor as inductor
    from torch.fx.experimental.proxy_tensor import make_fx

    def cat(parts: list[Tensor], dim: int = 0) -> Any:
        if dim % parts[0].ndim == 0:
            return NotImplemented
        return torch.cat([part.movedim(dim, 0) for part in parts]).movedim(0, dim)  # torch's own is row by row

    try:
        traced = make_fx(f, decomposition_table={torch.ops.aten.cat.default: cat})(k, *inputs)
    except Exception as error:  # whatever a step does that is no arithmetic on tensors
        raise AtlasError(
            f"{what} cannot be compiled: a step draws, or decides by its number or by what it finds "
            f"({type(error).__name__}); leave compile out."
        ) from error
    early, late = _apart(traced)
    try:
        rest = inductor.compile(late, [*early(k), *inputs])
        numbers = inductor.compile(early, [k])
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise AtlasError(f"{what} was not compiled ({reason}); leave compile out: the numbers are the same.") from error
    return lambda k, *inputs: rest(*numbers(k), *inputs)


def _apart(traced: GraphModule) -> tuple[GraphModule, GraphModule]:
    """The graph of what follows from the first input alone, one vector, and the graph of the rest, which takes it."""
    nodes = list(traced.graph.nodes)
    known = {nodes[0]}
    for node in nodes:
        if node.op == "call_function" and node.all_input_nodes and known.issuperset(node.all_input_nodes):
            known.add(node)
    handed = [node for node in nodes if node in known and not known.issuperset(node.users)] or nodes[:1]
    early, late, at = Graph(), Graph(), {}
    for node in nodes:
        if node in known:
            at[node] = early.node_copy(node, at.__getitem__)
    early.output((early.call_function(torch.stack, ([at[node] for node in handed],)),))
    vector = late.placeholder("numbers")
    for i, node in enumerate(handed):
        at[node] = late.call_function(torch.select, (vector, 0, i))
    for node in nodes:
        if node not in known:
            at[node] = late.node_copy(node, at.__getitem__)
    return GraphModule(traced, early), GraphModule(traced, late)
