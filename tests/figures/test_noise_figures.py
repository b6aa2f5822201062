import numpy as np
import pytest
from tables import attrs, drawable, named, run

from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError
from widgetlib.figures.directional_sharpness import directional_sharpness
from widgetlib.figures.gradient_noise import gradient_noise


def change(table, **columns):
    """The table with other values in some columns."""
    kept = {name: tuple(column) for name, column in table.columns.items()}
    return Table(kept | {n: (v, *kept[n][1:]) for n, v in columns.items()}, table.attrs)


def noise(records=5, ranks=3):
    step = np.arange(records) * 50
    total = np.linspace(10, 4, records)
    share = np.tile([0.3, 0.2, 0.1, 0.05][:ranks], (records, 1))
    record, rank = ["record"], ["record", "rank"]
    columns = {
        "step": (step, record), "trace": (total, record, "tr C", "‖g‖²"),
        "eigenvalue": (share * total[:, None], rank), "residual": (share * 1e-6, rank), "share": (share, rank),
        "alignment": (np.full((records, ranks), 0.4), rank), "alignment_error": (np.full((records, ranks), 0.01), rank),
    }  # fmt: skip
    return Table(columns, attrs("sgd", problem="digits_mlp", chance=0.001))


def curvature(own=2.0, slope=3.0, top=4.0, records=5):
    step = np.arange(records) * 50
    columns = {"step": step, "along_step": own, "along_gradient": slope, "sharpness": top, "residual": 0.1}
    return Table(
        {n: (np.broadcast_to(np.asarray(v, float), step.shape), ["record"], "", "1/lr") for n, v in columns.items()},
        attrs(problem="digits_mlp"),
    )


def test_noise_in_two_panels():
    table = noise()
    picture = drawable(gradient_noise(table))
    assert named(picture, "trace")["y"] == pytest.approx(table["trace"])
    lines = named(picture, "3 leading eigenvalues")
    assert np.isnan(lines["y"]).sum() == 3 and lines["y"][:5] == pytest.approx(table["eigenvalue"][:, 0])
    assert named(picture, "share of the trace")["y"] == pytest.approx(np.full(5, 0.6))
    aligned = named(picture, "within the Hessian's")
    assert aligned["y"] == pytest.approx(np.full(5, 0.4)) and aligned["yaxis"] == "y2"
    assert np.nanmax(named(picture, "residual")["y"]) == pytest.approx(0.41)
    assert [c["y"].shape for c in picture.cursors] == [(5, 3), (5,)]


def test_noise_reading():
    assert gradient_noise(noise()).reading == (
        "At step 200 the 3 leading directions hold 60 % of the gradient noise of sgd and lie to 40 % within the "
        "Hessian's leading ones, where chance would give 0.1 %; its trace went from 10 to 4 since step 0."
    )
    assert "the leading direction holds 30 %" in drawable(gradient_noise(noise(ranks=1))).reading
    silent = change(noise(), trace=np.zeros(5), share=np.full((5, 3), np.nan), eigenvalue=np.zeros((5, 3)))
    assert "no noise" in drawable(gradient_noise(silent)).reading
    assert "No gradient noise" in drawable(gradient_noise(noise().take(record=slice(0)))).reading


def test_curvature_along_the_step():
    picture = drawable(directional_sharpness(curvature()))
    heights = {"along the step": 2, "along the gradient": 3, "largest eigenvalue": 4}
    assert {n: named(picture, n)["y"][0] for n in heights} == heights
    assert np.nanmax(named(picture, "residual")["y"]) == pytest.approx(4.1)
    (cursor,) = picture.cursors
    assert cursor["y"] == pytest.approx(np.full(5, 2.0))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "At step 200 GD moves along a curvature of 2, 50 % of the largest; along the gradient it is 3."),
        ({"own": -1.0, "slope": np.nan}, "GD moves along a curvature of -1, downward."),
        ({"own": np.nan}, "GD takes no step whose curvature could be measured."),
        ({"records": 0}, "No curvature is measured yet."),
    ],
)
def test_curvature_reading(values, words):
    assert drawable(directional_sharpness(curvature(**values))).reading.endswith(words)


@pytest.mark.parametrize("figure", [gradient_noise, directional_sharpness])
def test_a_missing_column_is_named(figure):
    with pytest.raises(AtlasError, match=f"{figure.__name__} draws the column"):
        figure(run()[0])
