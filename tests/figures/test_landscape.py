import numpy as np
import pytest
from tables import attrs, drawable, named, plane, rosenbrock, run

from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError
from widgetlib.figures.landscape import landscape
from widgetlib.figures.theme import SCALE, colour


def with_path(x, y, off=None, **more):
    """The plane of Rosenbrock with a given path."""
    table, path = plane(**more), {"path_x": x, "path_y": y}
    path |= {"path_step": np.arange(len(x)), "off_plane": np.zeros(len(x)) if off is None else off}
    with np.errstate(all="ignore"):
        path["path_loss"] = rosenbrock(np.asarray(x, float), np.asarray(y, float))
    kept = {name: tuple(column) for name, column in table.columns.items()}
    return Table(kept | {n: (v, ["iterate"]) for n, v in path.items()}, table.attrs)


def with_loss(loss):
    table = plane()
    kept = {name: tuple(column) for name, column in table.columns.items()}
    return Table(kept | {"loss": (loss, ["row", "column"])}, table.attrs)


def test_loss_is_coloured_by_its_logarithm_with_ticks_at_real_losses():
    table = plane()
    contour = drawable(landscape(table)).data[0]
    floor = np.quantile(table["loss"], 0.005)
    np.testing.assert_allclose(contour["z"], np.log10(np.maximum(table["loss"], floor)))
    assert contour["type"] == "contour" and contour["z"].shape == (64, 64) and contour["colorscale"] == SCALE
    bar = contour["colorbar"]
    assert bar["ticktext"] == ["1", "10", "100", "1000"]
    np.testing.assert_allclose(bar["tickvals"], [0, 1, 2, 3])


@pytest.mark.parametrize("shift", [1e4, -300])
def test_a_narrow_or_negative_range_is_linear(shift):
    table = with_loss(plane()["loss"] + shift)
    contour = drawable(landscape(table)).data[0]
    np.testing.assert_array_equal(contour["z"], table["loss"])
    assert contour["colorbar"]["tickmode"] == "linear" and contour["colorbar"]["dtick"] == 1000


def test_path_ends_minimum_and_cursor():
    table = plane("adam", lr=0.05)
    picture = drawable(landscape(table))
    np.testing.assert_array_equal(named(picture, "path")["x"], table["path_x"])
    assert named(picture, "path")["line"]["color"] == colour("adam")
    assert (named(picture, "start")["x"], named(picture, "end")["x"]) == (-1.2, table["path_x"][-1])
    assert (named(picture, "minimum")["x"], named(picture, "minimum")["y"]) == (1, 1)
    (cursor,) = picture.cursors
    np.testing.assert_allclose(cursor["y"], table["path_y"])
    assert picture.layout["xaxis"]["range"] == [-2, 2] and picture.layout["yaxis"]["range"] == [-1, 3]
    assert picture.layout["xaxis"]["title"]["text"] == "w<sub>1</sub> (1)"


def test_reading():
    assert landscape(with_path([-1.2, 1.006], [1, 1.0])).reading == (
        "GD moves from loss 24.2 to 0.0145 in 1 step and ends 0.006 from the minimum at (1, 1)."
    )
    assert landscape(with_path([-1.2], [1.0])).reading == "GD starts at loss 24.2."


def test_projection_is_honest():
    off = np.linspace(1.5, 0, 501)
    table = plane("adam", lr=0.05, dimension=3466, off=off)
    table.attrs["variance_explained"] = 0.87
    picture = drawable(landscape(table))
    pale = named(picture, "pale: off the plane")["marker"]["color"]
    assert 0 < pale[0] < 1 and pale[-1] == 0 and (np.diff(pale) <= 0).all()
    assert picture.reading.endswith(
        "in 500 steps. The path is a projection from 3466 dimensions: iterates lie up to 1.5 off the plane, "
        "62 % of the extent of the path; the plane holds 87 % of its variance."
    )
    assert not any("pale" in t["name"] for t in landscape(plane()).data)


def test_a_plane_that_holds_too_little_is_not_to_be_trusted():
    for share, mark in (
        (0.12, "⚠ only 12 % of the variance in this plane"),
        (0.87, "87 % of the variance in this plane"),
    ):
        table = plane("adam", lr=0.05, dimension=3466, off=np.linspace(1.5, 0, 501))
        table.attrs["variance_explained"] = share
        picture = drawable(landscape(table))
        assert [note["text"] for note in picture.layout["annotations"]] == [mark]
        assert ("too little to trust" in picture.reading) == (share < 0.5)
    assert picture.reading.endswith("of its variance.")
    assert "annotations" not in landscape(plane()).layout  # two unknowns: nothing is hidden


def test_the_extent_is_that_in_weight_space():
    table = plane("adam", lr=0.05, dimension=3466, off=np.linspace(1.5, 0, 501))
    table.attrs["extent"] = 6.0  # the axes of this plane are shorter than one
    assert "1.5 off the plane, 25 % of the extent" in landscape(table).reading


def test_another_height_is_painted_under_the_path():
    table = plane("adam", lr=0.05)
    kept = {name: tuple(column) for name, column in table.columns.items() if name != "loss"}
    ground = np.linspace(0.01, 0.99, 64 * 64).reshape(64, 64)
    table = Table(kept | {"accuracy": (ground, ["row", "column"], "accuracy")}, table.attrs | {"height": "accuracy"})
    picture = drawable(landscape(table))
    contour = picture.data[0]
    np.testing.assert_array_equal(contour["z"], ground)  # linear, though it spans two decades
    assert contour["reversescale"] and contour["colorbar"]["title"]["text"] == "accuracy (1)"
    assert "from loss 24.2 to" in picture.reading and picture.reading.endswith("accuracy, from 0.01 to 0.99.")
    path = drawable(landscape(table, surface=True)).data[1]
    assert np.nanmax(path["z"]) < 1.0  # it lies on that ground, not at the height of its losses


def test_what_is_interpolated_is_said():
    table = plane()
    kept = {name: tuple(column) for name, column in table.columns.items()}
    computed = np.zeros((64, 64), dtype=bool)
    computed[::2, ::2] = True
    refined = Table(kept | {"computed": (computed, ["row", "column"])}, table.attrs | {"error": 2e-5})
    assert landscape(refined).reading.endswith(
        " Of its points 25 % were computed and the others interpolated, off by at most 0.002 % of the range."
    )
    refined.attrs["error"] = None
    assert landscape(refined).reading.endswith("interpolated, with an unknown error.")


def test_a_diverging_path_is_drawn_until_it_leaves():
    table = plane(lr=1e-2, steps=60)
    picture = drawable(landscape(table))
    path = named(picture, "path")
    assert picture.reading == "GD leaves the window at step 2 and diverges at step 4, from loss 24.2."
    assert np.isfinite(path["x"][:4]).all() and np.isnan(path["x"][4:]).all()
    assert np.abs(path["x"][3]) == pytest.approx(6)  # at three half-windows: outside, in its direction


def test_leaving_and_coming_back():
    table = with_path([0.0, 2.5, 100.0, 200.0, 0.5, 1.0], [0.0, 1.0, 1.0, 1.0, 0.5, 1.0])
    picture = drawable(landscape(table))
    np.testing.assert_allclose(named(picture, "path")["x"], [0, 2.5, 6, np.nan, 0.5, 1])
    assert picture.reading.endswith("the minimum at (1, 1); it is outside the window at 3 of them.")
    left = landscape(with_path([0.0, 5.0], [0.0, 1.0]))
    assert left.reading.endswith("in 1 step and ends outside the window, which it leaves at step 1.")


def test_long_path_is_thinned():
    turns = np.linspace(0, 60, 20_000)
    picture = drawable(landscape(with_path(np.cos(turns), 1 + np.sin(turns))))
    assert len(named(picture, "path")["x"]) <= 4004 and len(picture.cursors[0]["x"]) == 20_000


@pytest.mark.parametrize("surface", [False, True])
def test_holes_no_path_and_nothing_finite(surface):
    loss = plane()["loss"].copy()
    loss[:3], loss[5, 5] = np.inf, np.nan
    assert np.isnan(drawable(landscape(with_loss(loss), surface)).data[0]["z"]).sum() == 193
    drawable(landscape(with_loss(loss * np.nan), surface))
    drawable(landscape(with_loss(np.zeros_like(loss)), surface))
    picture = drawable(landscape(plane().take(iterate=slice(0)), surface))
    assert picture.reading == "The plane shows the loss without a path." and picture.cursors == []
    drawable(landscape(plane().take(iterate=slice(0, 1)), surface))
    drawable(landscape(plane(lr=1e-2, steps=60), surface))


def test_surface_carries_the_path_on_the_same_scale():
    table = plane("adam", lr=0.05)
    flat, picture = landscape(table), drawable(landscape(table, surface=True))
    surface, path = picture.data[:2]
    assert (surface["type"], path["type"]) == ("surface", "scatter3d")
    np.testing.assert_array_equal(surface["z"], flat.data[0]["z"])
    assert (path["z"] >= np.log10(table["path_loss"]) - 1e-12).all()
    assert path["z"][0] == pytest.approx(np.log10(24.2), abs=0.2)
    assert picture.layout["scene"]["zaxis"]["ticktext"] == flat.data[0]["colorbar"]["ticktext"]
    assert picture.reading == flat.reading
    assert picture.cursors[0]["z"].shape == (501,)
    assert np.isnan(landscape(with_path([0.0, 5.0], [0.0, 1.0]), surface=True).data[1]["z"][1])


def test_another_table_is_refused():
    with pytest.raises(AtlasError, match="landscape draws the column 'x'"):
        landscape(run()[0])
    with pytest.raises(AtlasError, match="this table has none"):
        landscape(Table({}, attrs()))
