"""Checks accept what is right in any form, help with what is wrong, and never give the answer away."""

import random

import numpy as np
import pytest
import torch

from widgetlib.course.check import Verdict, judge
from widgetlib.course.edge_of_stability import EXERCISES
from widgetlib.course.lesson import Lesson

ANSWERS = ("2 / curvature", "2/curvature", "(2 + 2", "2 + 2", "2/lambda", "38")


def verdict(name, *functions, student="ada"):
    found = judge(EXERCISES[name], random.Random(student), functions)
    if found.state != "right":
        assert not any(answer in found.sentence for answer in ANSWERS), found.sentence
    return found


def step(w, grad, lr):
    return w - lr * grad(w)


def edge(curvature):
    return 2 / curvature


def matrix(lr, beta, curvature):
    return [[1 - lr * curvature, -lr * beta], [curvature, beta]]


def ball(lr, beta):
    return (2 + 2 * beta) / lr


@pytest.mark.parametrize("student", ["", "ada", "4711"])
def test_right_answers_are_right_for_everybody(student):
    assert verdict("first_edge", step, edge, student=student).state == "right"
    assert verdict("own_edge", matrix, ball, student=student).state == "right"


def test_other_forms_of_the_same_are_right():
    def swapped(lr, beta, curvature):  # (m, w) in place of (w, m), as a tensor
        return torch.tensor(matrix(lr, beta, curvature)).flip(0).flip(1)

    assert verdict("own_edge", swapped, lambda lr, beta: np.float32(ball(lr, beta))).state == "right"
    assert verdict("first_edge", lambda w, g, lr: torch.tensor([step(w, g, lr)]).double(), edge).state == "right"


@pytest.mark.parametrize(
    ("name", "functions", "says"),
    [
        ("first_edge", (lambda w, g, lr: w + lr * g(w), edge), "uphill"),
        ("first_edge", (lambda w, g, lr: w - g(w), edge), "rate come in"),
        ("first_edge", (lambda w, g, lr: -lr * g(w), edge), "new point"),
        ("first_edge", (lambda w, g, lr: w - 2 * lr * g(w), edge), "not one step"),
        ("first_edge", (step, lambda c: 1 / c), "can it be larger"),
        ("first_edge", (step, lambda c: 0.2), "scale with the curvature"),
        ("first_edge", (step, lambda c: 2.2 / c), "too large"),
        ("first_edge", (step, lambda c: 1.8 / c), "too small"),
        ("own_edge", (lambda lr, b, c: [[1, -lr * b], [c, b + lr * c]], ball), "determinant"),
        ("own_edge", (lambda lr, b, c: [[1, -lr], [c, b]], ball), "old velocity"),
        ("own_edge", (lambda lr, b, c: np.diag([1.0, b]), ball), "diagonal"),
        ("own_edge", (matrix, lambda lr, b: 2 / lr), "plain gradient descent"),
        ("own_edge", (matrix, lambda lr, b: 2 * (1 - b) / lr), "slow drift"),
        ("own_edge", (matrix, lambda lr, b: (2 + 2 * b) / (1 - b) / lr), "weight 1 - beta"),
        ("own_edge", (matrix, lambda lr, b: 1.05 * ball(lr, b)), "outside"),
        ("own_edge", (matrix, lambda lr, b: 0.95 * ball(lr, b)), "inside"),
        ("own_edge", (matrix, lambda lr, b: [1, 2]), "should return a number"),
        ("own_edge", (lambda lr, b, c: [1, 2], ball), "2 by 2"),
        ("own_edge", (lambda lr, b, c: "map", ball), "2 by 2"),
        ("own_edge", (matrix, lambda lr, b: float("inf")), "not finite"),
        ("own_edge", (matrix, lambda lr, b: 1 / 0), "ZeroDivisionError"),
    ],
)  # fmt: skip
def test_what_is_wrong_gets_a_sentence_that_helps(name, functions, says):
    found = verdict(name, *functions)
    assert (found.state, says in found.sentence) == ("wrong", True), found.sentence


def test_an_untouched_exercise_is_not_answered_yet():
    def untouched(*_): ...

    assert verdict("first_edge", untouched, untouched).state == "unanswered"
    half = verdict("first_edge", step, untouched)
    assert half.state == "unanswered" and "untouched is not answered yet" in half.sentence
    assert verdict("own_edge", untouched, untouched).state == "unanswered"
    assert verdict("adam_edge", untouched).state == "unanswered"


def test_hidden_inputs_are_the_students_own():
    seen = {}
    for student in ("ada", "ada", "bob"):
        calls = []
        Lesson("01_edge_of_stability", student).check("own_edge", lambda *a, c=calls: c.append(a) or matrix(*a), ball)
        seen.setdefault(student, []).append(calls)
    assert seen["ada"][0] == seen["ada"][1] != seen["bob"][0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda raw, own, lr: (own, raw), "other order"),
        (lambda raw, own, lr: (raw * 38 / lr, own * 38 / lr), "divide it"),
        (lambda raw, own, lr: (raw * 19, own * 19), "limit of gradient descent"),
        (lambda raw, own, lr: (raw, raw), "raw Hessian too"),
        (lambda raw, own, lr: (raw, 2 * own), "last fifth"),
        (lambda raw, own, lr: (2 * raw, own), "raw one"),
        (lambda raw, own, lr: (raw, own), ""),
    ],
)
def test_the_ratios_of_a_net(change, says):
    def ratios(trace):
        from widgetlib.measure.sharpness import sharpness

        table, lr = sharpness(trace, k=1), trace.method.lr
        late = table["step"] >= 0.8 * table["step"][-1]
        raw, own = (np.median(table[c].reshape(len(late), -1)[late, 0]) * lr / 38 for c in ("eigenvalue", "gauge"))
        return change(raw, own, lr)

    found = verdict("adam_edge", ratios)
    assert found.state == ("wrong" if says else "right") and says in found.sentence, found.sentence


def test_a_verdict_is_announced_and_shown_as_text():
    shown = Verdict("wrong", "a < b")._repr_html_()
    assert 'role="status"' in shown and "a &lt; b" in shown
