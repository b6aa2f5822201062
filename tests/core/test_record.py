from dataclasses import dataclass

import numpy as np
import pytest
import torch

import widgetlib as wl
from widgetlib import catalog
from widgetlib.core.algebra import leaves
from widgetlib.core.method import Method, fields_of
from widgetlib.core.table import Table, read_npz, write_npz
from widgetlib.core.trace import plain
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run, sweep
from widgetlib.measure.sharpness import Sharpness

ADAM, SAM = catalog.method("adam"), catalog.method("sam", base="heavy_ball")
VALLEY = catalog.problem("rosenbrock", b=20.0)
NET = catalog.problem("digits_mlp", width=4, depth=1, subset=60, objective="cross_entropy")
BASES = {"base": [catalog.method("gd"), catalog.method("adam")], "base.lr": [1e-3, 1e-2]}
RUNS = {
    "run": lambda: run(ADAM, NET, 6, seed=3, batch=8),
    "checkpoints": lambda: run(ADAM, NET, 20, memory=30_000),
    "no state": lambda: run(catalog.method("gd"), VALLEY, 6),
    "no steps": lambda: run(ADAM, VALLEY, 0),
    "wrapper": lambda: run(SAM, VALLEY, 6),
    "gone on": lambda: run(ADAM, VALLEY, 3, start=run(ADAM, VALLEY, 4).at(4)),
    "measured": lambda: run(ADAM, VALLEY, 6, measure=[Sharpness(k=2, every=3)]),
    "stopped": lambda: run(ADAM, VALLEY, 6, on_step=lambda running: running.stop()),
    "diverged": lambda: run(catalog.method("gd", lr=10.0), VALLEY, 60),
    "double": lambda: run(ADAM, NET, 3, dtype=torch.float64),
    "sweep": lambda: sweep(SAM, VALLEY, 5, {"base.lr": [1e-3, 1e-2]}, seeds=range(2), starts=["below", [1.0, 2.0]]),
    "looped sweep": lambda: sweep(catalog.method("sam"), VALLEY, 5, BASES, seeds=range(2)),
}


def values(method):
    return {n: plain(v) for n, v in fields_of(method).items()}


def identical(a, b):
    """Whether two runs are equal bit for bit, their parts and tables included."""
    for x, y in [(a.method, b.method), (a.problem, b.problem)]:
        assert x.slug == y.slug and values(x) == values(y)
    assert (a.dims, a.seeds, a.batch, a.stopped) == (b.dims, b.seeds, b.batch, b.stopped)
    assert plain(list(a.coords.values())) == plain(list(b.coords.values()))
    for x, y in [(a.merit, b.merit), (a.w, b.w), *[(a.info[n], b.info[n]) for n in a.info]]:
        assert x.dtype == y.dtype and torch.equal(torch.nan_to_num(x, 7.0), torch.nan_to_num(y, 7.0))
    for x, y in [(a.steps, b.steps), (a.kept, b.kept), *[(a.cost[n], b.cost[n]) for n in a.cost]]:
        assert x.dtype == y.dtype and np.array_equal(x, y)
    assert len(a.states) == len(b.states)
    for x, y in zip(a.states, b.states, strict=True):
        assert type(x) is type(y) and all(torch.equal(p, q) for p, q in zip(leaves(x), leaves(y), strict=True))
    assert a.measures.keys() == b.measures.keys() and len(a.parts) == len(b.parts)
    for name, table in a.measures.items():
        assert (
            all(np.array_equal(table[n], b.measures[name][n]) for n in table) and table.attrs == b.measures[name].attrs
        )
    for x, y in zip(a.parts, b.parts, strict=True):
        identical(x, y)


@pytest.mark.parametrize("name", RUNS)
def test_saved_and_opened_is_identical(name, tmp_path):
    t = RUNS[name]()
    identical(t, wl.load(t.save(tmp_path / "run")))


def test_an_opened_run_replays_and_goes_on(tmp_path):
    t = run(ADAM, NET, 20, seed=3, batch=8, memory=30_000)
    again = wl.load(t.save(tmp_path / "run"))
    assert len(again.kept) < 21 and torch.equal(again.at(13).w, t.at(13).w)
    rest = run(again.method, again.problem, 5, start=again.at(20), seed=3, batch=8)
    assert torch.equal(rest.w[-1], run(ADAM, NET, 25, seed=3, batch=8).w[-1])
    s = RUNS["sweep"]()
    assert torch.equal(
        wl.load(s.save(tmp_path / "sweep")).at(4).member(1, 0, 1).step().w, s.at(4).member(1, 0, 1).step().w
    )
    looped = RUNS["looped sweep"]()
    opened = wl.load(looped.save(tmp_path / "looped"))
    assert torch.equal(opened.parts[1].at(3).step().w, looped.parts[1].w[4])


def test_truncated_runs(tmp_path):
    path = RUNS["run"]().save(tmp_path / "run")
    raw = path.read_bytes()
    for n in (0, 10, len(raw) // 2, len(raw) - 5):
        path.write_bytes(raw[:n])
        with pytest.raises(AtlasError, match="record it again"):
            wl.load(path)


def test_other_files(tmp_path):
    with pytest.raises(AtlasError, match="check the name"):
        wl.load(tmp_path / "missing.npz")
    with pytest.raises(AtlasError, match=r"Table\.load"):
        wl.load(Table({"x": (np.zeros(2), ("n",))}).save(tmp_path / "table"))
    path = RUNS["run"]().save(tmp_path / "run")
    header, arrays = read_npz(path)
    with pytest.raises(AtlasError, match="format 0"):
        wl.load(write_npz(tmp_path / "old", header | {"widgetlib": 0}, arrays))
    header["method"][0] = "adan"
    with pytest.raises(AtlasError, match="there is no method 'adan'; did you mean adam"):
        wl.load(write_npz(tmp_path / "gone", header, arrays))


@dataclass(frozen=True, eq=False)
class Unlisted(Method):
    """In no folder."""

    def step(self, oracle, w, s):
        return w, s, {}


def test_a_method_that_the_catalogue_does_not_know(tmp_path):
    with pytest.raises(AtlasError, match="there is no method"):
        wl.load(run(Unlisted(), VALLEY, 1).save(tmp_path / "run"))
