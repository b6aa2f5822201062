import numpy as np
import pytest
from tables import attrs, drawable, named, run

from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError
from widgetlib.figures.density import FLOOR, density


def table(records=3, exact=False, **more):
    """A spectral density of 1000 unknowns: a bulk of width 0.1, nodes of 100 each, and outliers up to 4, 5, 6."""
    step = np.arange(records) * 100
    top = 4.0 + np.arange(records)[:, None]
    nodes = np.concatenate([np.tile(np.linspace(-0.2, 0.2, 10), (records, 1)), top / 2, top], axis=1)
    weights = np.tile([0.0998] * 10 + [0.001] * 2, (records, 1))
    grid = np.linspace(-0.7, top[:, 0] + 0.5, 400).T
    bumps = np.exp(-(((grid[..., None] - nodes[:, None]) / 0.1) ** 2) / 2) / (0.1 * (2 * np.pi) ** 0.5)
    values = (bumps * weights[:, None]).sum(-1)
    resolved = np.tile([exact] * 10 + [True] * 2, (records, 1))
    record, curve, node = ["record"], ["record", "grid"], ["record", "node"]
    columns = {
        "step": (step, record), "width": (np.full(records, 0.1), record),
        "eigenvalue": (grid, curve, "λ", "1/lr"), "density": (values, curve, "φ", "lr"),
        "error": (0.02 * values, curve),
        "largest": (top[:, 0], record), "smallest": (np.full(records, -0.2), record),
        "node": (nodes, node), "weight": (weights, node), "resolved": (resolved, node),
    }  # fmt: skip
    return Table(columns, attrs(problem="digits_mlp", unknowns=12 if exact else 1000, **more))


def test_lines_bands_and_ticks():
    found = table()
    picture = drawable(density(found))
    names = [t["name"] for t in picture.data if t["mode"] == "lines"]
    assert names == ["standard error", "step 0", "standard error", "step 100", "standard error", "step 200"]
    last = named(picture, "step 200")
    keep = found["density"][-1] > 1e-3
    assert last["y"][keep] == pytest.approx(found["density"][-1][keep]) and last["line"]["dash"] == "solid"
    dashes = {named(picture, f"step {k}")["line"]["dash"] for k in (0, 100)}
    assert len(dashes) == 2 and "solid" not in dashes
    assert named(picture, "resolved eigenvalues")["x"].tolist() == [3, 6]
    bands = [t for t in picture.data if t["name"] == "standard error"]
    assert np.nanmax(bands[-1]["y"]) == pytest.approx(1.02 * found["density"][-1].max())


def test_the_scale_holds_the_peak_of_one_eigenvalue_and_of_the_bulk():
    found = table()
    low, high = 10 ** np.array(density(found).layout["yaxis"]["range"])
    single = 1 / (1000 * 0.1 * (2 * np.pi) ** 0.5)
    assert low == pytest.approx(FLOOR * single) and high > found["density"].max()
    assert density(found).layout["yaxis"]["type"] == "log"


def test_cursor_stands_at_the_largest_eigenvalue():
    (cursor,) = density(table()).cursors
    assert cursor["step"].tolist() == [0, 100, 200] and cursor["x"].tolist() == [4, 5, 6]
    assert (cursor["y"] > 1e-3).all()


def test_many_records_are_thinned_to_the_first_and_the_last():
    names = [t["name"] for t in drawable(density(table(records=21))).data if t["name"].startswith("step")]
    assert len(names) == 4 and names[0] == "step 0" and names[-1] == "step 2000"


def test_reading():
    assert density(table()).reading == (
        "At step 200 of GD the eigenvalues of the Hessian run from -0.2 to 6, and 998 of these 1000 lie within "
        "0.3 of zero; 2 of them are resolved one by one, and the standard error of the rest is 2 %; at step 0 the "
        "largest was 4."
    )
    assert density(table(1, exact=True)).reading.endswith("; all 12 are exact.")
    own = density(table(preconditioned=True))
    assert "the preconditioned Hessian run" in own.reading and "<i>P</i>" in own.layout["xaxis"]["title"]["text"]


def test_nothing_yet_and_a_missing_column():
    assert "No spectral density" in drawable(density(table().take(record=slice(0)))).reading
    with pytest.raises(AtlasError, match="density draws the column 'width'"):
        density(run()[0])
