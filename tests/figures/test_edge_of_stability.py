import numpy as np
import pytest
from tables import digits, drawable, named, run, sharpness, sweep, update_map

from widgetlib.core.words import AtlasError
from widgetlib.figures.edge_of_stability import edge_of_stability, first_crossing
from widgetlib.figures.theme import NEUTRAL, colour

RINGING = (0.9 * np.exp(2.5j), 0.9 * np.exp(-2.5j), 0.3)


def test_three_parts():
    table, meter, run = sharpness(), update_map(), digits()
    picture = drawable(edge_of_stability(table, meter, run))
    np.testing.assert_array_equal(named(picture, "sharpness")["y"], table["gauge"])
    np.testing.assert_array_equal(named(picture, "limit of GD")["y"], table["limit"])
    assert named(picture, "limit of GD")["line"]["dash"] == "dash"
    assert named(picture, "loss")["yaxis"] == "y2" and "xaxis" not in named(picture, "loss")
    assert picture.layout["xaxis"]["domain"][1] < picture.layout["xaxis2"]["domain"][0]
    assert picture.layout["yaxis3"]["scaleanchor"] == "x2"  # a circle is a circle
    circle = named(picture, "unit circle")
    np.testing.assert_allclose(np.hypot(circle["x"], circle["y"]), 1)
    assert [c["y"].shape for c in picture.cursors] == [(61,), (3001,), (13, 4), (13, 4)]
    np.testing.assert_array_equal(picture.cursors[2]["x"], meter["full"].real)
    np.testing.assert_array_equal(picture.cursors[3]["y"], meter["frozen"].imag)


def test_spectra_differ_in_mark_and_never_in_colour_by_modulus():
    picture = edge_of_stability(sharpness(), update_map((-12, 0.2, 1.3)))
    full, frozen = (named(picture, f"{name} map")["marker"] for name in ("full", "frozen"))
    assert (full["symbol"], full["color"]) == ("circle", colour("gd"))
    assert (frozen["symbol"], frozen["color"]) == ("circle-open", NEUTRAL)


@pytest.mark.parametrize("meter", [None, update_map(records=0), update_map(full=())])
def test_without_meter_the_left_part_takes_the_whole_width(meter):
    picture = drawable(edge_of_stability(sharpness(), meter, digits()))
    assert picture.layout["xaxis"]["domain"] == [0, 1] and "xaxis2" not in picture.layout
    assert len(picture.cursors) == 2 and "one-step" not in picture.reading


def test_without_run_the_gauge_takes_the_whole_height():
    for run_table in (None, digits().take(step=slice(0))):
        picture = drawable(edge_of_stability(sharpness(), None, run_table))
        assert "yaxis2" not in picture.layout and "domain" not in picture.layout["yaxis"]


def test_first_crossing_is_marked():
    picture = drawable(edge_of_stability(sharpness()))
    (shape,), (note,) = picture.layout["shapes"], picture.layout["annotations"]
    assert shape["x0"] == shape["x1"] == note["x"] == first_crossing(sharpness()) == 300
    assert note["text"] == "first crossing<br>at step 300"
    late = edge_of_stability(sharpness(np.linspace(0, 5.1, 61)))
    assert late.layout["annotations"][0]["xanchor"] == "right"


@pytest.mark.parametrize("gauge", [np.full(61, 6.0), np.full(61, 1.0), np.linspace(9, 1, 61), np.full(61, np.nan)])
def test_no_crossing_without_having_been_below(gauge):
    assert first_crossing(sharpness(gauge)) is None
    assert "shapes" not in drawable(edge_of_stability(sharpness(gauge))).layout


@pytest.mark.parametrize(
    ("table", "reading"),
    [
        (
            sharpness(np.linspace(5.15, 5.15, 61), method="heavy ball"),
            "Sharpness is 3 % above the limit of heavy ball (5 here): it is at the edge of stability and "
            "oscillates along the top eigenvector.",
        ),
        (
            sharpness(np.minimum(np.linspace(1, 12, 61), 4.8) + 0.3 * (np.arange(61) == 30)),
            "Sharpness is 4 % below the limit of GD (5 here), which it first crossed at step 1500: it is at "
            "the edge of stability and oscillates along the top eigenvector.",
        ),
        (
            sharpness(np.full(61, 7.0)),
            "Sharpness is 40 % above the limit of GD (5 here): the oscillation along the top eigenvector is "
            "not contained there.",
        ),
        (
            sharpness(np.linspace(1, 1.8, 61)),
            "Sharpness is 0.344 times the limit of GD (5 here), far below the edge; it rises from 1 to 1.8: "
            "progressive sharpening.",
        ),
        (
            sharpness(np.linspace(2, 1, 61), preconditioned=True),
            "Preconditioned sharpness is 0.22 times the limit of GD (5 here), far below the edge; it does "
            "not rise (from 2 to 1).",
        ),
        (
            sharpness(1.0, records=1),
            "Sharpness is 0.2 times the limit of GD (5 here), far below the edge; one record is too few for a trend.",
        ),
        (
            sharpness(np.linspace(1, 2, 61), limit=np.nan, method="muon"),
            "Muon has no stability law, so its sharpness is shown without a limit: it goes from 1 to 2.",
        ),
        (
            sharpness(1.0, limit=np.nan, records=1, method="muon"),
            "Muon has no stability law, so its sharpness is shown without a limit: it is 1.",
        ),
        (
            sharpness(np.linspace(1, 2, 61), kind="batch_sharpness"),
            "Batch sharpness is 0.38 times the limit of GD (5 here), far below the edge; it rises from 1 to "
            "2: progressive sharpening.",
        ),
        (sharpness(records=0), "No sharpness is measured yet."),
        (sharpness(np.full(61, np.inf)), "No sharpness is measured yet."),
    ],
)
def test_reading(table, reading):
    assert drawable(edge_of_stability(table)).reading == reading


def test_gaps_do_not_hide_the_end():
    gauge = np.where(np.arange(61) < 40, np.linspace(1, 6, 61), np.nan)
    assert "is 0.85 times the limit" in drawable(edge_of_stability(sharpness(gauge))).reading


@pytest.mark.parametrize(
    ("table", "part"),
    [
        (sharpness(np.linspace(1, 6, 61)), "its sharpness was last 1.2 times the limit, 5."),
        (sharpness(limit=np.nan, method="muon"), "it goes from 0.8 to 4.94; it diverges at step 4."),
        (sharpness(records=0), "diverges at step 4."),
    ],
)
def test_divergence_comes_first(table, part):
    reading = drawable(edge_of_stability(table, None, run(lr=1e-2, steps=60)[0])).reading
    assert reading.endswith(part) and "diverges at step 4" in reading


FARTHEST = "The mode of the full one-step map farthest from +1 is "


@pytest.mark.parametrize(
    ("meter", "end"),
    [
        (update_map(), f"{FARTHEST}-1.02, outside the unit circle, past the edge."),
        (update_map((0.2, 0.9)), f"{FARTHEST}0.2, inside the unit circle."),
        (update_map(RINGING), f"{FARTHEST}a complex pair of modulus 0.9, inside the unit circle."),
        (
            update_map((0.5 + 1j, 0.5 - 1j)),
            f"{FARTHEST}a complex pair of modulus 1.12, outside the unit circle, past the edge.",
        ),
        (
            update_map((0.5, 1.06), largest=1.06),
            f"{FARTHEST}0.5, inside the unit circle; the largest real part, 1.06, is descent along negative curvature.",
        ),
        (
            update_map((1.06, 1.0), largest=1.06),
            f"{FARTHEST}1.06, outside the unit circle through +1; the largest real part, 1.06, is descent "
            "along negative curvature.",
        ),
        (update_map((np.nan, np.nan)), "oscillates along the top eigenvector."),
    ],
)
def test_reading_of_the_meter(meter, end):
    assert drawable(edge_of_stability(sharpness(), meter)).reading.endswith(end)


def test_a_large_mode_without_a_law_is_not_called_divergence():
    table, meter = sharpness(limit=np.nan, method="muon"), update_map((-12, -5), method="muon")
    picture = drawable(edge_of_stability(table, meter))
    assert picture.reading.endswith(
        f"{FARTHEST}-12; without a law that alone does not mean divergence: the loss tells."
    )
    assert picture.layout["xaxis2"]["range"] == pytest.approx([-14.4, 14.4])
    assert not any("limit" in t["name"] for t in picture.data)


def test_meter_with_one_record_and_with_infinite_modes():
    drawable(edge_of_stability(sharpness(records=1), update_map(records=1)))
    picture = drawable(edge_of_stability(sharpness(), update_map((-np.inf, 0.5))))
    assert np.isfinite(picture.layout["xaxis2"]["range"]).all()


def test_wide_gauges_are_logarithmic():
    picture = drawable(edge_of_stability(sharpness(np.geomspace(1, 1e4, 61), limit=500.0)))
    assert picture.layout["yaxis"]["type"] == "log"
    assert drawable(edge_of_stability(sharpness())).layout["yaxis"]["type"] == "linear"


def test_wrong_tables_are_refused():
    with pytest.raises(AtlasError, match="draws the column 'gauge'"):
        edge_of_stability(digits())
    with pytest.raises(AtlasError, match="draws the column 'frozen'"):
        edge_of_stability(sharpness(), digits())
    with pytest.raises(AtlasError, match=r"draws one run, not a sweep; pick one with table.take\(lr=0\)"):
        edge_of_stability(sharpness(), None, sweep())
