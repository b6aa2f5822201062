"""A GPU gives what the CPU gives; where there is none, no step mixes devices all the same."""

import numpy as np
import pytest
import torch

import widgetlib as wl
from widgetlib import catalog
from widgetlib.core.algebra import leaves, map_leaves
from widgetlib.core.point import Point, advance
from widgetlib.core.words import AtlasError

DEVICE = "cuda"
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here: torch sees no CUDA device")
NET = catalog.problem("digits_mlp", width=8, depth=1, subset=200)
VALLEY, BOWL = catalog.problem("rosenbrock"), catalog.problem("quadratic", dimension=5)
GD, ADAM = catalog.method("gd", lr=0.2), catalog.method("adam", lr=1e-2)
RATES = [1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2, 6.4e-2]


@pytest.mark.parametrize("entry", [pytest.param(e, id=e.slug) for e in catalog.methods()])
def test_no_step_mixes_devices(entry):
    """On torch's device `meta`, which has shapes and no numbers, members and mini-batches included."""
    for fitting in catalog.fitting(entry):
        problem = catalog.problem(fitting.slug)
        if problem.layout.size > 1000:  # all that a method may refuse
            problem = {"digits_mlp": NET}.get(fitting.slug, VALLEY)
        data = map_leaves(lambda x: x.to("meta"), problem.load())
        w = torch.empty(3, problem.layout.size, dtype=problem.dtype, device="meta")
        method, batch = catalog.method(entry.slug), 8 if problem.samples else None
        point = Point(method, problem, 0, w, (), [1, 2, 3], batch, data)
        with torch.no_grad():
            point = Point(method, problem, 0, w, method.init(point.oracle(), w), [1, 2, 3], batch, data)
            for _ in range(2):
                point, merit, info = advance(point)
        found = [point.w, *leaves(point.state), *info.values(), *([] if merit is None else [merit])]
        assert {x.device.type for x in found} == {"meta"}


@gpu
@pytest.mark.parametrize("entry", [pytest.param(e, id=e.slug) for e in catalog.methods()])
def test_runs(entry):
    for fitting in catalog.fitting(entry):
        problem = NET if fitting.slug == "digits_mlp" else catalog.problem(fitting.slug)
        if problem.layout.size > 1000:
            continue
        batch = 16 if problem.samples and "Sum" in catalog.method(entry.slug).asks() else None
        here, there = (
            wl.run(catalog.method(entry.slug), problem, 10, batch=batch, dtype=torch.float64, device=d)
            for d in ("cpu", DEVICE)
        )
        assert (there.w.device.type == DEVICE and there.data == ()) or there.data[0].device.type == DEVICE
        torch.testing.assert_close(there.w.cpu(), here.w, rtol=1e-8, atol=1e-10)
        torch.testing.assert_close(there.merit.cpu(), here.merit, rtol=1e-8, atol=1e-10)


@gpu
@pytest.mark.parametrize("batch", [None, 16])
def test_sweeps(batch):
    options = {"seeds": [3, 1], "batch": batch, "dtype": torch.float64}
    here, there = (wl.sweep(ADAM, NET, 9, {"lr": RATES}, device=d, **options) for d in ("cpu", DEVICE))
    torch.testing.assert_close(there.w.cpu(), here.w, rtol=1e-8, atol=1e-10)
    turns = wl.sweep(ADAM, NET, 9, {"lr": RATES}, device=DEVICE, memory=6_000_000, every=2, **options)
    torch.testing.assert_close(turns.merit.cpu(), here.merit[turns.steps], rtol=1e-8, atol=1e-10)
    assert there.table()["loss"].shape == (10, 7, 2)


@gpu
def test_replay_going_on_and_records(tmp_path):
    t = wl.run(ADAM, NET, 20, device=DEVICE, batch=16, memory=60_000)
    assert len(t.kept) < 21 and torch.equal(t.at(20).w, t.at(19).step().w)
    back = wl.load(t.save(tmp_path / "run"))
    assert back.w.device.type == "cpu" and torch.equal(back.w, t.w.cpu())
    on = wl.run(ADAM, NET, 3, start=t.at(20), device=DEVICE, batch=16)
    torch.testing.assert_close(on.w[1], t.at(20).step().w)
    torch.testing.assert_close(wl.run(ADAM, NET, 3, start=t.at(20), batch=16).w[0], t.at(20).w.cpu())


MEASURES = {
    "sharpness": {"k": 2, "every": 10, "tol": 1e-6},
    "update_map": {"every": 10},
    "plane": {"kind": "random", "size": 9},
    "line": {"kind": "random", "size": 9},
    "density": {"at": [20], "probes": 2},
    "gradient": {},
    "gradient_noise": {"k": 2, "every": 10},
    "batch_sharpness": {"every": 10},
    "directional_sharpness": {"every": 10},
    "spectral_moments": {"every": 10},
}


@gpu
@pytest.mark.parametrize("name", MEASURES)
def test_measures(name):
    here, there = (
        getattr(wl.measure, name)(wl.run(GD, NET, 20, dtype=torch.float64, device=d), **MEASURES[name])
        for d in ("cpu", DEVICE)
    )
    assert here.sizes == there.sizes
    for column in here:
        if here[column].dtype.kind in "fc" and not {"residual", "products", "seconds"} & set(column.split("_")):
            np.testing.assert_allclose(there[column], here[column], rtol=1e-4, atol=1e-6, err_msg=column)


@gpu
@pytest.mark.parametrize("name", ["sharpness", "plane"])
def test_measures_in_single_precision(name):
    here, there = (
        getattr(wl.measure, name)(
            wl.run(GD, NET, 20, device=d), **MEASURES[name] | ({"tol": 1e-3} if name == "sharpness" else {})
        )
        for d in ("cpu", DEVICE)
    )
    column = {"sharpness": "eigenvalue", "plane": "loss"}[name]
    np.testing.assert_allclose(there[column], here[column], rtol=1e-2, atol=1e-3)


@gpu
@pytest.mark.slow
def test_compiled():
    here, there = (wl.sweep(ADAM, VALLEY, 45, {"lr": RATES}, device=d) for d in ("cpu", DEVICE))
    try:
        compiled = wl.sweep(ADAM, VALLEY, 45, {"lr": RATES}, device=DEVICE, compile=True)
    except AtlasError as error:
        pytest.skip(str(error))
    torch.testing.assert_close(there.merit.cpu(), here.merit, rtol=1e-8, atol=1e-12)
    torch.testing.assert_close(compiled.merit.cpu(), here.merit, rtol=1e-8, atol=1e-12)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_the_request_is_answered():
    with pytest.raises(AtlasError, match="device 'cuda' is not available here; use device='cpu' or 'auto'"):
        wl.run(ADAM, VALLEY, 3, device="cuda")
    assert wl.run(ADAM, VALLEY, 3, device="auto").w.device.type == "cpu"
