"""How the table of the benchmarks reads, and where it stands."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import MARKS, shown
from benchmarks.timing import HEAD, Row, race


def test_a_row_says_how_many_times_faster_and_what_was_wanted():
    row = Row("work", [0.2, 0.1], "peer", [0.5, 0.4], target=0.3, reach=3.0, stretch=5.0, number=7)
    cells = dict(zip(HEAD, row.cells(), strict=True))
    assert cells["target"] == "7"
    assert cells["times faster"] == "4 ×"
    assert cells["wanted"] == "300 ms: met, 3 ×: met, 5 ×: missed"


def test_what_is_slower_is_said_as_a_fraction():
    cells = dict(zip(HEAD, Row("work", [0.4], "peer", [0.1], reach=1 / 4.5).cells(), strict=True))
    assert cells["times faster"] == "1/4 ×"
    assert cells["wanted"] == "1/4.5 ×: met"


def test_a_row_without_times_wants_nothing():
    assert Row("no device here", [], target=1.0).cells()[-1] == ""


def test_both_sides_of_a_race_are_timed_in_turn():
    calls = []
    ours, theirs = race(lambda: calls.append("ours"), lambda: calls.append("theirs"), 3)
    assert len(ours) == len(theirs) == 3
    assert calls[-4:] == ["ours", "theirs"] * 2


def test_the_table_replaces_the_old_one_between_its_marks(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nafter\n", encoding="utf-8")
    shown(["| a |"], readme)
    shown(["| b |"], readme)
    assert readme.read_text(encoding="utf-8") == f"before\n{MARKS[0]}\n\n| b |\n\n{MARKS[1]}\nafter\n"
    readme.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="needs the marks"):
        shown([], readme)
    assert readme.read_text(encoding="utf-8") == "no marks"
