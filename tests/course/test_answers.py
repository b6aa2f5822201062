"""Answers are kept whole, with their history, and never written over somebody else's file."""

import json
import os

import pytest

from widgetlib.core.words import AtlasError
from widgetlib.course.answers import Answers


def test_an_answer_and_its_measured_value_are_in_the_file_at_once(tmp_path):
    answers = Answers("01_x", "ada", tmp_path)
    answers.give("q", "far below")
    stored = json.loads((tmp_path / "answers" / "01_x.json").read_text())
    assert stored["student"] == "ada"
    assert stored["predictions"]["q"][0]["answer"] == "far below"
    assert stored["predictions"]["q"][0]["measured"] is None
    answers.settle("q", 5.0, False)
    stored = json.loads((tmp_path / "answers" / "01_x.json").read_text())
    assert stored == answers.document
    assert (stored["predictions"]["q"][0]["measured"], stored["predictions"]["q"][0]["right"]) == (5.0, False)


def test_a_second_answer_leaves_the_first_also_after_reopening(tmp_path):
    first = Answers("01_x", "", tmp_path)
    first.give("q", 1.0)
    first.settle("q", 2.0, False)
    again = Answers("01_x", "", tmp_path)
    again.give("q", 2.0)
    assert [entry["answer"] for entry in again.of("q")] == [1.0, 2.0]
    assert [entry["measured"] for entry in again.of("q")] == [2.0, None]


def test_infinity_is_no_json(tmp_path):
    answers = Answers("01_x", "", tmp_path)
    answers.give("q", 1.0)
    answers.settle("q", float("inf"), False)
    assert json.loads(answers.text(), parse_constant=pytest.fail)["predictions"]["q"][0]["measured"] is None


def test_a_write_that_fails_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch):
    answers = Answers("01_x", "", tmp_path)
    answers.give("q", 1.0)
    before = answers.path.read_text()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        answers.give("q", 2.0)
    assert answers.path.read_text() == before
    assert [p.name for p in answers.path.parent.iterdir()] == ["01_x.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1, "lesson": "01_x", "predictions": {"q": [3]}}',
                                  '{"version": 1, "lesson": "02_y", "predictions": {}}',
                                  '{"version": 9, "lesson": "01_x", "predictions": {}}'])  # fmt: skip
def test_another_file_is_refused_and_left_alone(tmp_path, text):
    path = tmp_path / "answers" / "01_x.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(AtlasError, match="does not hold answers to 01_x"):
        Answers("01_x", "", tmp_path)
    assert path.read_text() == text


def test_in_a_shared_page_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = []
    answers = Answers("01_x")
    answers.watchers.append(lambda: seen.append(json.loads(answers.text())))
    answers.give("q", 1.0)
    assert seen[0]["predictions"]["q"][0]["answer"] == 1.0
    assert list(tmp_path.iterdir()) == []
