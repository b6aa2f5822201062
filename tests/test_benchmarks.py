"""Where the table of the benchmarks stands."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import MARKS, shown


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
