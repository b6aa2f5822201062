import numpy as np
import pytest
from tables import attrs, drawable, named, plane, run, sharpness

from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError
from widgetlib.figures.edge_of_stability import edge_of_stability
from widgetlib.figures.eigenvalues import eigenvalues
from widgetlib.figures.landscape import landscape
from widgetlib.figures.spectrum import spectrum
from widgetlib.figures.trajectory import trajectory


def field(modes=(0.1 + 2j, 0.1 - 2j, 0.1 + 1j, 0.1 - 1j), limit=5.0, records=4):
    values = np.tile(np.asarray(modes, dtype=complex), (records, 1))
    columns = {
        "step": (np.arange(records) * 10, ["record"]),
        "eigenvalue": (values, ["record", "rank"]),
        "limit": (np.full(records, limit), ["record"]),
    }
    return Table(columns, attrs("gd", problem="bilinear_game"))


def test_moduli_limit_and_plane():
    picture = drawable(spectrum(field()))
    assert named(picture, "largest modulus")["y"] == pytest.approx(np.full(4, abs(0.1 + 2j)))
    assert named(picture, "limit of GD")["y"] == pytest.approx(np.full(4, 5.0))
    circle = named(picture, "circle of the limit")
    assert np.hypot(circle["x"], circle["y"]) == pytest.approx(np.full(121, 5.0))
    marks = named(picture, "eigenvalues")
    assert marks["x"] == pytest.approx([0.1] * 4) and marks["y"] == pytest.approx([2, -2, 1, -1])
    assert len(picture.cursors) == 2


@pytest.mark.parametrize(
    ("modes", "words"),
    [
        ((2j, -2j), "±2i, purely imaginary: the field only turns around"),
        ((0.5 + 2j, 0.5 - 2j), "0.5 ± 2i: the field turns and pulls inward"),
        ((-0.5 + 2j, -0.5 - 2j), "turns and pushes outward"),
        ((3.0, 1.0), "3, real: the field pulls inward"),
        ((-3.0, 1.0), "-3, real: the field pushes outward"),
    ],
)
def test_reading(modes, words):
    assert words in drawable(spectrum(field(modes))).reading


def test_without_a_limit_or_a_record():
    picture = drawable(spectrum(field(limit=np.nan)))
    assert "limit" not in picture.reading and "circle of the limit" not in [t["name"] for t in picture.data]
    assert "times the limit" in spectrum(field()).reading
    assert "No eigenvalue" in drawable(spectrum(field(records=0))).reading


def test_a_missing_column_is_named():
    with pytest.raises(AtlasError, match="spectrum draws the column 'eigenvalue'"):
        spectrum(run()[0])


def with_field(table):
    """Two by three arrows: all along +x, of which one is no number."""
    more = {
        "arrow_x": (np.array([-1.0, 0.0, 1.0]), ["arrow_column"]),
        "arrow_y": (np.array([0.0, 2.0]), ["arrow_row"]),
        "field_x": (np.array([[1.0, 8.0, 1.0], [1.0, 1.0, np.nan]]), ["arrow_row", "arrow_column"]),
        "field_y": (np.zeros((2, 3)), ["arrow_row", "arrow_column"]),
    }
    columns = {n: (c.values, c.dims, c.symbol, c.unit) for n, c in table.columns.items()}
    return Table(columns | more, table.attrs | {"solution": "equilibrium"})


def test_arrows_of_a_field():
    picture = drawable(landscape(with_field(plane(steps=20))))
    arrows = named(picture, "field")
    strokes = arrows["x"].reshape(-1, 6), arrows["y"].reshape(-1, 6)
    assert len(strokes[0]) == 5 and np.isnan(strokes[0][:, 5]).all()
    shafts = strokes[0][:, 1] - strokes[0][:, 0]
    assert (shafts < 0).all(), "they point where the players go, against F"
    assert shafts[1] == pytest.approx(2 * shafts[0]), "lengths grow with the cube root"
    assert np.abs(shafts).max() < 1, "no arrow reaches the next"
    assert np.ptp(strokes[1][0, 2:5]) > 0, "a head has two wings"
    assert named(picture, "equilibrium")["x"].tolist() == [1]
    assert "field" not in [t["name"] for t in landscape(plane(steps=20)).data]


def test_trajectory_against_a_cost():
    table, norms = run(steps=50)
    columns = {n: (c.values, c.dims) for n, c in table.columns.items()}
    costly = Table(columns | {"values": (2.0 * table["step"], ["step"], "", "loss values")}, table.attrs)
    picture = drawable(trajectory(costly, norms, clock="values"))
    assert picture.layout["xaxis"]["title"]["text"] == "values (loss values)"
    assert all(np.nanmax(t["x"]) == 100 for t in picture.data if t["mode"] == "lines")
    assert picture.reading.endswith(", for 100 loss values in all.")
    cursor = picture.cursors[0]
    assert cursor["step"][-1] == 50 and cursor["x"][-1] == 100
    with pytest.raises(AtlasError, match="draws the column 'products'"):
        trajectory(table, clock="products")


def test_a_limit_of_another_gauge_is_not_drawn_on_the_hessians_eigenvalues():
    table = sharpness(limit=1.0, kind="zeroth_order_sum")
    assert "limit of GD" not in [t["name"] for t in drawable(eigenvalues(table)).data]
    assert drawable(edge_of_stability(table)).layout["yaxis"]["title"]["text"] == "zeroth order sum (1)"
    assert "limit of GD" in [t["name"] for t in eigenvalues(sharpness()).data]
