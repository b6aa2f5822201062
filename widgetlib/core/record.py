"""Records: a Trace as npz without pickle, and back, identical."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from widgetlib.core.algebra import leaves, map_leaves
from widgetlib.core.join import join
from widgetlib.core.method import fields_of
from widgetlib.core.table import Table, read_npz, write_npz
from widgetlib.core.trace import Trace, plain
from widgetlib.core.words import AtlasError


def save(trace: Trace, path: str | os.PathLike) -> Path:
    """Writes `trace`; the file appears whole or not at all."""
    header, arrays = _pack(trace)
    return write_npz(path, header | {"versions": {"torch": torch.__version__}}, arrays)


def load(path: str | os.PathLike, make_method: Callable[..., Any], make_problem: Callable[..., Any]) -> Trace:
    """Opens what `save` wrote, on the CPU.

    Args:
        path: the file.
        make_method, make_problem: the catalogue's constructors, `(slug, **fields)`.

    Raises:
        AtlasError: no such file, a truncated one, another version, or a method that is not in the catalogue.
    """
    header, arrays = read_npz(path)
    if header.get("kind") != "trace":
        raise AtlasError(f"{path} holds a table, not a run; open it with Table.load.")
    return _unpack(header, arrays, make_method, make_problem)


def _pack(trace: Trace) -> tuple[dict, dict[str, np.ndarray]]:
    """Header and arrays of a run; of a joined sweep those of its parts."""
    fields, arrays = {}, {}
    for name, value in fields_of(trace.method).items():
        if isinstance(value, Tensor):
            arrays[f"field/{name}"] = value.numpy(force=True)
        else:
            fields[name] = value
    header = {
        "kind": "trace",
        "method": [trace.method.slug, fields],
        "problem": [trace.problem.slug, fields_of(trace.problem)],
        "coords": {n: plain(v) for n, v in trace.coords.items()},
        "seeds": trace.seeds,
        "batch": trace.batch,
        "stopped": trace.stopped,
        "together": trace.together,
        "parts": [],
        "measures": {},
    }
    for i, part in enumerate(trace.parts):
        inner, columns = _pack(part)
        header["parts"].append(inner)
        arrays |= {f"part{i}/{n}": a for n, a in columns.items()}
    if trace.parts:
        return header, arrays
    for name, table in trace.measures.items():
        header["measures"][name], columns = table.pack()
        arrays |= {f"measure/{name}/{n}": a for n, a in columns.items()}
    arrays |= {"steps": trace.steps, "kept": trace.kept}
    arrays |= {"merit": trace.merit.numpy(force=True), "w": trace.w.numpy(force=True)}
    arrays |= {f"cost/{n}": c for n, c in trace.cost.items()}
    arrays |= {f"info/{n}": x.numpy(force=True) for n, x in trace.info.items()}
    for i, column in enumerate(zip(*map(leaves, trace.states), strict=True)):
        arrays[f"state/{i}"] = torch.stack(column).numpy(force=True)
    return header, arrays


def _unpack(header: dict, arrays: dict[str, np.ndarray], make_method: Callable, make_problem: Callable) -> Trace:
    """The run of which `_pack` made these."""

    def group(prefix: str) -> dict[str, np.ndarray]:
        return {n[len(prefix) :]: a for n, a in arrays.items() if n.startswith(prefix)}

    def tensors(prefix: str) -> dict[str, Tensor]:
        return {n: torch.from_numpy(a) for n, a in group(prefix).items()}

    slug, fields = header["method"]
    method = make_method(slug, **fields, **tensors("field/"))
    if header["parts"]:
        inner = enumerate(header["parts"])
        parts = [_unpack(part, group(f"part{i}/"), make_method, make_problem) for i, part in inner]
        return join(parts, method, header["coords"])
    slug, settings = header["problem"]
    problem = make_problem(slug, **settings)
    w = torch.from_numpy(arrays["w"])
    data = on(problem.load(), w)
    form = method.init(problem.oracle(problem, data, 0, header["seeds"]), w[0])
    columns = list(tensors("state/").values())

    def state(i: int) -> Any:
        rows = iter(columns)
        return map_leaves(lambda _: next(rows)[i], form)

    return Trace(
        method, problem, tuple(header["coords"]), header["coords"], header["seeds"], header["batch"], data,
        arrays["steps"], torch.from_numpy(arrays["merit"]), group("cost/"), tensors("info/"),
        arrays["kept"], w, [state(i) for i in range(len(w))], header["stopped"],
        {n: Table.unpack(part, group(f"measure/{n}/")) for n, part in header["measures"].items()},
        together=header.get("together"),
    )  # fmt: skip


def on(data: Any, like: Tensor) -> Any:
    """Data on the device of `like`; floating-point parts in its dtype."""

    def move(x: Tensor) -> Tensor:
        return x.to(like.device, like.dtype if x.is_floating_point() else x.dtype)

    return map_leaves(move, data)
