"""Feedback compares a prediction with what was measured, and a page may send anything."""

import pytest

from widgetlib.core.words import AtlasError
from widgetlib.course.question import Choice, Number, Question, compare, said

CHOICES = [Choice("below", 0, 4, "It is tempting."), Choice("at it", 4, 6), Choice("above", 6, 99)]
NUMBER = Number(0, 100, "", 0.1, ((3.33, "That is the other edge."),))


@pytest.mark.parametrize(
    ("answers", "answer", "right", "parts"),
    [
        (CHOICES, 1, True, ["Yes", "“at it”", "It ended at 5.", "Because."]),
        (CHOICES, 0, False, ["Not quite", "“below”", "It ended at 5.", "It is tempting.", "Because."]),
        (CHOICES, 2, False, ["Not quite", "“above”", "Because."]),
        (NUMBER, 5.2, True, ["Yes", "5.2", "It ended at 5.", "Because."]),
        (NUMBER, 4.0, False, ["4, 20% below", "It ended at 5.", "Because."]),
        (NUMBER, 7.0, False, ["7, 40% above"]),
        (NUMBER, 3.3, False, ["That is the other edge."]),
    ],
)
def test_feedback(answers, answer, right, parts):
    feedback = compare(answers, answer, 5.0, "It ended at {:.3g}.", "Because.")
    assert feedback.right is right
    assert all(part in feedback.sentence for part in parts), feedback.sentence
    assert ("tempting" in feedback.sentence) == (answers is CHOICES and answer == 0)


def test_an_interval_holds_its_lower_end_alone():
    assert compare(CHOICES, 1, 4.0, "{}", "").right and not compare(CHOICES, 0, 4.0, "{}", "").right


def test_a_measured_zero_or_infinity_is_no_error():
    assert not compare(NUMBER, 3.0, 0.0, "{:.3g}", "").right
    assert not compare(NUMBER, 3.0, float("inf"), "{:.3g}", "").right


@pytest.mark.parametrize("answer", [None, "1", True, float("nan"), float("inf"), -1, 3, 0.5, {}])
def test_what_is_no_choice_is_refused(answer):
    with pytest.raises(AtlasError):
        said(CHOICES, answer)


@pytest.mark.parametrize("answer", [None, "1", float("nan"), -1, 101])
def test_what_is_no_number_of_the_range_is_refused(answer):
    with pytest.raises(AtlasError):
        said(NUMBER, answer)


def heard(question, content):
    question._heard(question, content, [])


def test_only_an_answer_starts_a_run_and_only_one_at_a_time():
    got = []
    question = Question("Where?", CHOICES, got.append)
    for nothing in (None, 3, {}, {"run": 1}):
        heard(question, nothing)
    question.busy = True
    heard(question, {"answer": 1})
    assert got == []
    question.busy = False
    heard(question, {"answer": 1})
    assert got == [1]


@pytest.mark.parametrize(("error", "says"), [(AtlasError("Give a number."), "Give a number."),
                                            (KeyError("x"), "Something went wrong")])  # fmt: skip
def test_an_error_is_told(error, says):
    def fail(_):
        raise error

    question = Question("Where?", CHOICES, fail)
    heard(question, {"answer": 1})
    assert says in question.feedback["text"] and question.feedback["tone"] == "note"
