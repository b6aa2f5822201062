"""How a row of the benchmarks reads."""

import pytest

from benchmarks.timing import HEAD, Row, race, times


def test_a_row_with_a_peer_and_what_was_wanted():
    row = Row("work", [1e-3, 2e-3, 3e-3], "peer", [9e-3, 4.5e-3], reach=4, stretch=5, number=6)
    assert row.cells() == ["6", "work", "2 (1)", "peer", "6.75 (4.5)", "4.5 ×", "4 ×: met, 5 ×: missed"]
    assert len(row.cells()) == len(HEAD)


def test_a_row_that_may_be_slower():
    assert Row("work", [9e-3], "peer", [2e-3], reach=1 / 4.5).cells()[-2:] == ["1/4.5 ×", "1/4.5 ×: met"]
    assert Row("work", [10e-3], "peer", [2e-3], reach=1 / 4.5).cells()[-2:] == ["1/5 ×", "1/4.5 ×: missed"]


def test_seconds_are_judged_by_the_median():
    assert Row("work", [0.05, 0.2, 0.3], target=0.1).cells()[-1] == "100 ms: missed"
    assert Row("work", [0.05, 0.09, 0.3], target=0.1).cells()[-1] == "100 ms: met"


def test_what_was_not_measured_has_no_verdict():
    assert Row("no GPU here, not measured", [], number=9, target=1.0, reach=2).cells()[2:] == ["", "", "", "", ""]
    assert Row("work", [1.0], "a peer that is missing", [], reach=2).cells()[-2:] == ["", ""]


@pytest.mark.parametrize(
    ("ratio", "text"), [(2719.6, "2720 ×"), (144.2, "144 ×"), (4.25, "4.25 ×"), (0.9, "0.9 ×"), (0.25, "1/4 ×")]
)
def test_ratios(ratio, text):
    assert times(ratio) == text


def test_a_race_times_both_sides_in_turn():
    calls = []
    ours, theirs = race(lambda: calls.append("a"), lambda: calls.append("b"), 3, scale=1e9)
    assert calls == ["a", "b"] * 4 and len(ours) == len(theirs) == 3 and min(theirs) > max(ours)
