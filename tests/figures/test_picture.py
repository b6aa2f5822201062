import subprocess
import sys

import numpy as np
import pytest
from tables import attrs, run, sweep

from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError
from widgetlib.figures import picture


def test_decimate_keeps_ends_and_extremes():
    values = np.sin(np.arange(100_000) / 50.0)
    values[54_321], values[77_777] = 9.0, -9.0
    keep = picture.decimate(values, 2000)
    assert len(keep) <= 2002 and keep[0] == 0 and keep[-1] == 99_999
    assert {54_321, 77_777} <= set(keep) and (np.diff(keep) > 0).all()


@pytest.mark.parametrize("n", [0, 1, 7, 2000, 2001, 4003])
def test_decimate_of_any_length(n):
    keep = picture.decimate(np.arange(float(n)))
    assert len(keep) == n if n <= 2000 else len(keep) <= 2002 and keep[-1] == n - 1


def test_decimate_keeps_the_gap_of_a_run_that_is_lost():
    values = np.where(np.arange(10_000) < 5_000, 1.0, np.nan)
    assert np.isnan(values[picture.decimate(values, 100)]).sum() > 20


@pytest.mark.parametrize("n", [3, 90, 200, 203, 1001])
def test_decimate_all_does_for_each_column_what_decimate_does(n):
    values = np.random.default_rng(0).normal(size=(n, 5)).cumsum(axis=0)
    values[n // 3 :, 2] = np.nan
    keep = picture.decimate_all(values, 100)
    for column, wanted in zip(keep.T, values.T, strict=True):
        assert (np.diff(column) >= 0).all()
        assert np.array_equal(np.unique(column), picture.decimate(wanted, 100))
        assert {np.nanargmin(wanted), np.nanargmax(wanted), 0, n - 1} <= set(column)


def test_finite_makes_gaps_and_copies():
    values = np.array([1.0, np.inf, -np.inf, np.nan, 1e31])
    np.testing.assert_array_equal(picture.finite(values), [1.0, np.nan, np.nan, np.nan, np.nan])
    assert values[1] == np.inf


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 11], True),
        ([1, 9], False),
        ([-1, 100], False),
        ([0, 1, 100], True),
        ([np.nan], False),
        ([], False),
    ],
)
def test_wants_log(values, expected):
    assert picture.wants_log(np.array(values, dtype=float)) is expected


@pytest.mark.parametrize(
    ("low", "high", "most", "labels"),
    [
        (-2, 1, 6, ["0.01", "0.03", "0.1", "0.3", "1", "3", "10"]),
        (-1, 0.31, 6, ["0.1", "0.2", "0.5", "1", "2"]),
        (-8, 4, 4, ["10<sup>-6</sup>", "0.001", "1", "1000"]),
        (4, 4.6, 6, ["10<sup>4</sup>", "2·10<sup>4</sup>"]),
    ],
)
def test_round_ticks(low, high, most, labels):
    at, text = picture.round_ticks(low, high, most)
    assert text[: len(labels)] == labels or text == labels
    assert (at >= 0.89 * 10.0**low).all() and (at <= 1.13 * 10.0**high).all() and len(at) <= most + 2


def test_axis_of_an_exploding_run_is_cut():
    page = picture.axis("L (1)", np.array([10.0, 1.0, 1e25]), log=True)
    assert page["range"] == pytest.approx([-0.3, 7])
    assert "range" not in picture.axis("L (1)", np.array([10.0, 1e-9]), log=True)


@pytest.mark.parametrize(
    ("latex", "html"),
    [
        (r"\lambda_1", "λ<sub>1</sub>"),
        (r"\|\nabla L\|", "‖∇L‖"),
        ("w_{12}", "w<sub>12</sub>"),
        ("f", "f"),
        ("first direction", "first direction"),
    ],
)
def test_plain(latex, html):
    assert picture.plain(latex) == html


@pytest.mark.parametrize(
    ("value", "text"),
    [(24.21, "24.2"), (3.14e-5, "3.14e-05"), (12_667, "12700"), (5.0, "5"), (np.nan, "no finite number")],
)
def test_number(value, text):
    assert picture.number(value) == text


@pytest.mark.parametrize(("share", "text"), [(0.034, "3 %"), (-0.2, "20 %"), (0.0042, "0.4 %"), (0, "0 %")])
def test_percent(share, text):
    assert picture.percent(share) == text


def test_band_is_one_trace_with_a_gap_after_each_area():
    x = np.arange(3.0)
    low, high = np.array([[0, 5], [np.nan, 6], [2, 7.0]]), np.array([[1, 6], [2, 7], [3, 8.0]])
    trace = picture.band(x, low, high, "#808080")
    np.testing.assert_array_equal(trace["x"], [0, 2, 2, 0, np.nan, 0, 1, 2, 2, 1, 0, np.nan])
    np.testing.assert_array_equal(trace["y"], [0, 2, 3, 1, np.nan, 5, 6, 7, 8, 7, 6, np.nan])


def test_long_lines_are_thinned_and_answer_no_pointer():
    x = np.arange(5000)
    short, long = (picture.line(x[:n], np.ones(n), "", "#808080") for n in (500, 5000))
    assert len(short["x"]) == 500 and "hoverinfo" not in short
    assert len(long["x"]) <= 2002 and long["hoverinfo"] == "skip"


def test_merit_of_another_world():
    more = attrs() | {"merit": "duality_gap", "merit_symbol": "G"}
    table = Table({"step": ([0], ["step"]), "duality_gap": ([2.0], ["step"], "", "kg")}, more)
    values, name, label = picture.merit(table)
    assert values == [2.0] and name == "duality gap" and label == "duality gap <i>G</i> (kg)"


def test_errors_say_what_to_do():
    with pytest.raises(AtlasError, match="draws the column 'gauge', but this table has step"):
        picture.need(run()[0], "edge_of_stability", "gauge")
    with pytest.raises(AtlasError, match=r"table.take\(lr=0\)"):
        picture.single(sweep(), "edge_of_stability", "loss")


def test_figures_import_neither_torch_nor_plotly():
    code = (
        "import sys; from widgetlib.figures import edge_of_stability, eigenvalues, landscape, trajectory; "
        "print(sorted({'torch', 'plotly', 'ipywidgets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
