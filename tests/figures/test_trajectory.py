import numpy as np
import pytest
from tables import attrs, drawable, named, run, sweep

from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError
from widgetlib.figures.theme import colour
from widgetlib.figures.trajectory import trajectory


def table(loss, **more):
    return Table({"step": (np.arange(len(loss)), ["step"]), "loss": (loss, ["step"])}, attrs(**more))


def test_one_run():
    steps, _ = run()
    picture = drawable(trajectory(steps))
    np.testing.assert_array_equal(named(picture, "loss")["y"], steps["loss"])
    assert named(picture, "loss")["line"]["color"] == colour("gd")
    assert picture.layout["yaxis"]["type"] == "log" and picture.layout["showlegend"] is False
    assert picture.reading == "GD lowers the loss from 24.2 to 2.28 in 500 steps."
    (cursor,) = picture.cursors
    np.testing.assert_array_equal(cursor["y"], steps["loss"])


def test_gradient_panel_shares_the_axis_of_time():
    picture = drawable(trajectory(*run("adam", lr=0.05)))
    assert named(picture, "gradient norm")["yaxis"] == "y2" and named(picture, "step length")["yaxis"] == "y3"
    assert picture.layout["xaxis"]["anchor"] == "y2" and "xaxis2" not in picture.layout
    assert picture.layout["yaxis"]["domain"][0] > picture.layout["yaxis2"]["domain"][1]
    assert picture.layout["yaxis3"]["overlaying"] == "y2"
    assert len(picture.cursors) == 3


def test_scale_follows_the_values():
    assert drawable(trajectory(table([3.0, 2.0, 1.0]))).layout["yaxis"]["type"] == "linear"
    assert drawable(trajectory(table([3.0, -200.0]))).layout["yaxis"]["type"] == "linear"
    exact = drawable(trajectory(table([3.0, 1e-9, 0.0])))  # a minimum hit exactly has no place on a log axis
    assert exact.layout["yaxis"]["type"] == "log" and np.isnan(exact.data[0]["y"][-1])
    assert exact.reading == "GD lowers the loss from 3 to 0 in 2 steps."


@pytest.mark.parametrize(
    ("loss", "reading"),
    [
        ([2.0], "GD starts at loss 2."),
        ([2.0, 3.0], "GD raises the loss from 2 to 3 in 1 step."),
        ([2.0, 2.0], "GD leaves the loss at 2 in 1 step."),
        ([2.0, 0.5, 1.0], "GD lowers the loss from 2 to 1 in 2 steps; it was lowest, 0.5, at step 1."),
        ([2.0, np.inf, np.nan], "GD diverges at step 1, from loss 2."),
        ([np.nan, np.nan], "GD starts at a point where the loss is not finite."),
        ([], "Nothing is recorded yet."),
    ],
)
def test_reading(loss, reading):
    assert drawable(trajectory(table(np.array(loss, dtype=float)))).reading == reading


def test_a_lost_run_fills_the_picture():
    picture = drawable(trajectory(*run(lr=1e-2, steps=60)))
    assert picture.reading == "GD diverges at step 4, from loss 24.2."
    assert picture.layout["xaxis"]["range"] == [0.0, 9.0]
    assert picture.layout["yaxis"]["range"][1] == pytest.approx(np.log10(24.2) + 6)


def test_sweep_is_one_trace_with_gaps_and_the_best_on_top():
    rates = sweep()
    picture = drawable(trajectory(rates))
    bundle = named(picture, "4 runs")
    starts = np.flatnonzero(np.isnan(bundle["x"]))
    assert len(picture.data) == 3 and len(starts) == 4 and bundle["hoverinfo"] == "skip"
    assert bundle["y"][starts[0] + 1] == rates["loss"][0, 1]  # after a gap the next run starts
    np.testing.assert_array_equal(named(picture, "best")["y"], rates["loss"][:, 2])
    assert picture.reading.startswith("Of 4 runs of GD over lr, lr = 0.002 ends lowest, at loss ")
    assert picture.reading.endswith("; 1 diverge.")


def test_sweep_of_many_runs_stays_small():
    picture = drawable(trajectory(sweep(np.geomspace(1e-5, 1e-3, 64), steps=500)))
    assert len(picture.data) == 3 and len(picture.data[0]["x"]) <= 64 * 124


def test_sweep_over_two_dimensions_and_a_sweep_that_is_lost():
    loss = np.array([[[2.0, 3.0]], [[1.0, 0.5]]])  # step, lr, seed
    columns = {"step": ([0, 1], ["step"]), "loss": (loss, ["step", "lr", "seed"]), "lr": ([0.1], ["lr"])}
    picture = drawable(trajectory(Table(columns, attrs())))
    best = "lr = 0.1 and seed number 2 ends lowest, at loss 0.5; none diverges."
    assert picture.reading == f"Of 2 runs of GD over lr and seed, {best}"
    columns["loss"] = (loss * np.nan, ["step", "lr", "seed"])
    lost = drawable(trajectory(Table(columns, attrs())))
    assert lost.reading == "All 2 runs of GD over lr and seed diverge."


def test_gradient_of_a_sweep_is_refused():
    steps, norms = run()
    two = {n: (np.stack([norms[n]] * 2, -1), ["record", "lr"]) for n in ("gradient_norm", "step_length")}
    with pytest.raises(AtlasError, match="draws one run"):
        trajectory(steps, Table({"step": (norms["step"], ["record"]), **two}, attrs()))


def test_gradient_without_records():
    steps, norms = run()
    assert len(drawable(trajectory(steps, norms.take(record=slice(0)))).cursors) == 1
