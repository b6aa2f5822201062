import numpy as np
import pytest
from tables import drawable, named, run, sharpness

from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError
from widgetlib.figures.eigenvalues import eigenvalues


def change(table, **columns):
    """The table with other values in some columns."""
    kept = {name: tuple(column) for name, column in table.columns.items()}
    return Table(kept | {n: (v, kept[n][1]) for n, v in columns.items()}, table.attrs)


def test_lines_band_and_limit():
    table = sharpness()
    picture = drawable(eigenvalues(table))
    np.testing.assert_array_equal(named(picture, "λ₁")["y"], table["eigenvalue"][:, 0])
    rest = named(picture, "λ₂ … λ₅")
    assert np.isnan(rest["x"]).sum() == 4 and rest["y"][0] == table["eigenvalue"][0, 1]
    np.testing.assert_array_equal(named(picture, "limit of GD")["y"], table["limit"])
    assert np.nanmax(named(picture, "residual")["y"]) == pytest.approx(1.001 * table["gauge"].max())
    (cursor,) = picture.cursors
    assert cursor["x"].shape == cursor["y"].shape == (61, 5)


def test_reading():
    reading = eigenvalues(sharpness()).reading
    assert reading == (
        "The largest Hessian eigenvalue along GD grows from 0.8 to 4.94 (6.18 times) between steps 0 and "
        "3000; the second is 3.95, 20 % below it; relative residuals are at most 0.001."
    )


@pytest.mark.parametrize("more", [{"preconditioned": True}, {"limit": np.nan}])
def test_a_limit_of_something_else_is_not_drawn(more):
    limit = more.pop("limit", 5.0)
    assert not any("limit" in t["name"] for t in drawable(eigenvalues(sharpness(limit=limit, **more))).data)


def test_scale_follows_the_values():
    assert drawable(eigenvalues(sharpness())).layout["yaxis"]["type"] == "linear"
    wide = drawable(eigenvalues(sharpness(np.geomspace(1, 1000, 61))))
    assert wide.layout["yaxis"]["type"] == "log" and np.nanmin(wide.data[0]["y"]) > 0
    assert drawable(eigenvalues(sharpness(np.linspace(-5, 1000, 61)))).layout["yaxis"]["type"] == "linear"


@pytest.mark.parametrize(
    ("gauge", "part"),
    [
        (np.linspace(4, 2, 61), "falls from 4 to 2 (0.5 times) between"),
        (np.full(61, 3.0), "stays near 3 between"),
        (np.linspace(-1, 2, 61), "grows from -1 to 2 between"),
    ],
)
def test_verbs(gauge, part):
    assert part in drawable(eigenvalues(sharpness(gauge))).reading


def test_gaps_one_record_and_none():
    table = sharpness()
    values = table["eigenvalue"].copy()
    values[0], values[-1] = np.nan, np.inf
    assert "between steps 50 and 2950" in drawable(eigenvalues(change(table, eigenvalue=values))).reading
    assert "is 0.8 at step 0; the second" in drawable(eigenvalues(sharpness(records=1))).reading
    for empty in (table.take(record=slice(0)), change(table, eigenvalue=values * np.nan)):
        picture = drawable(eigenvalues(empty))
        assert picture.reading == "No eigenvalue is measured yet." and picture.data == []


def test_one_eigenvalue():
    picture = drawable(eigenvalues(sharpness().take(rank=slice(0, 1))))
    assert "second" not in picture.reading and not any("λ₂" in t["name"] for t in picture.data)


def test_another_table_is_refused():
    with pytest.raises(AtlasError, match="draws the column 'eigenvalue'"):
        eigenvalues(run()[0])
