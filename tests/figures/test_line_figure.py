import numpy as np
import pytest
from tables import attrs, drawable, named, run

from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError
from widgetlib.figures.line import line
from widgetlib.figures.theme import colour

T = np.linspace(0, 1, 51)


def between(straight=0.1 + T * (1 - T), curved=0.1 + 0.04 * T * (1 - T), **more):
    rows = [straight] if curved is None else [straight, curved]
    columns = {
        "position": (T, ["position"]),
        "path": (["straight", "curved"][: len(rows)], ["path"]),
        "loss": (np.array(rows), ["path", "position"], "L"),
        "length": ([2.0, 3.0][: len(rows)], ["path"]),
        "barrier": ([row.max() - 0.1 for row in rows], ["path"]),
    }
    return Table(columns, attrs(kind="curve", height="loss", x_label="position between the points", **more))


def along(values, height="loss", symbol="L", **more):
    columns = {
        "position": (T - 0.5, ["position"]),
        "path": (["straight"], ["path"]),
        height: (values[None], ["path", "position"], symbol),
        "length": ([2.0], ["path"]),
    }
    return Table(columns, attrs(height=height, x_label="eigenvector of the Hessian", **more))


def test_a_straight_line_and_a_curve_between_two_points():
    picture = drawable(line(between(to="the other point")))
    straight, curved = named(picture, "straight"), named(picture, "curved")
    assert (straight["line"]["dash"], curved["line"]["dash"]) == ("solid", "dash")
    assert straight["line"]["color"] == curved["line"]["color"] == colour("gd")
    assert named(picture, "points")["x"].tolist() == [0, 1] and picture.layout["showlegend"]
    assert picture.reading == (
        "Loss 0.1 at the last iterate of GD, 0.1 at the other point; between them the straight line has a barrier of "
        "0.25, and the curve a barrier of 0.01 at 1.5 times the length."
    )


def test_no_barrier_and_what_was_not_measured():
    assert line(between(0.1 + 0 * T, None, to="the start")).reading == (
        "Loss 0.1 at the last iterate of GD, 0.1 at the start; between them the straight line has no barrier."
    )
    part = np.where(T < 0.5, 1.0, np.nan)
    assert line(between(part, None)).reading.endswith("the straight line was not measured to its end.")
    assert "barrier of 0.25, and the curve was not measured" in drawable(line(between(curved=part))).reading
    assert drawable(line(between(part * np.nan, None))).reading == "No loss along this line is known."


def test_along_an_eigenvector():
    picture = drawable(line(along(0.1 + (T - 0.5) ** 2, eigenvalue=2.0)))
    assert named(picture, "points")["x"].tolist() == [0] and not picture.layout["showlegend"]
    assert picture.reading == (
        "Along the eigenvector of the Hessian of eigenvalue 2 the loss is 0.1 at the last iterate of GD, lowest with "
        "0.1 at 0 and highest with 0.35 at -0.5."
    )


def test_other_heights_have_their_own_axis():
    picture = drawable(line(along(np.geomspace(0.01, 1, 51), "accuracy", "accuracy")))
    assert picture.layout["yaxis"]["type"] == "linear" and "accuracy" in picture.layout["yaxis"]["title"]["text"]
    picture = drawable(line(along(np.geomspace(0.01, 1, 51), "gradient_norm", "‖∇L‖")))
    assert picture.layout["yaxis"]["type"] == "log" and "gradient norm" in picture.reading
    assert "gradient norm <i>‖∇L‖</i>" in picture.layout["yaxis"]["title"]["text"]


def test_another_table_is_refused():
    with pytest.raises(AtlasError, match="line draws the column 'position'"):
        line(run()[0])
