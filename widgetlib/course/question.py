"""Predict, then run: a question without a default answer, and feedback that compares with what was measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import anywidget
import traitlets

from widgetlib.core.words import AtlasError

HERE = Path(__file__).parent


class Choice(NamedTuple):
    """One answer of several.

    Attributes:
        text: what it says.
        low, high: it is right where the measured value lies in [low, high).
        remark: to whoever chose it and was wrong: what is tempting about it, and what it overlooks.
    """

    text: str
    low: float
    high: float
    remark: str = ""


class Number(NamedTuple):
    """An answer that is a number.

    Attributes:
        low, high: its ends.
        unit: what stands behind the field.
        within: relative distance from the measured value up to which it is right.
        traps: values of tempting mistakes, each with what it overlooks.
    """

    low: float
    high: float
    unit: str = ""
    within: float = 0.1
    traps: tuple[tuple[float, str], ...] = ()


Answers = Sequence[Choice] | Number


class Feedback(NamedTuple):
    """Whether a prediction was right, and what to say to the person."""

    right: bool
    sentence: str


def said(answers: Answers, answer: float) -> str | float:
    """An answer as it is written down: the text of a choice, or the number.

    Raises:
        AtlasError: it is none of the answers.
    """
    if not isinstance(answer, (int, float)) or isinstance(answer, bool) or not math.isfinite(answer):
        raise AtlasError("Give an answer first, then press Run.")
    if isinstance(answers, Number):
        if not answers.low <= answer <= answers.high:
            raise AtlasError(f"{answer:g} is out of range: give a number from {answers.low:g} to {answers.high:g}.")
        return float(answer)
    if answer not in range(len(answers)):
        raise AtlasError("Choose one of the answers first, then press Run.")
    return answers[int(answer)].text


def compare(answers: Answers, answer: float, measured: float, result: str, why: str) -> Feedback:
    """The feedback on an answer.

    Args:
        answers: what could be answered.
        answer: position of the choice, or the number.
        measured: what the run gave.
        result: a sentence with a place for the measured value, such as `"It ended at {:.3g}."`.
        why: the reason, told to everybody.
    """
    outcome = result.format(measured)
    if isinstance(answers, Number):
        right = math.isfinite(measured) and abs(answer - measured) <= answers.within * abs(measured)
        if right:
            return Feedback(True, f"Yes. You predicted {answer:g}. {outcome} {why}")
        side = "above" if answer > measured else "below"
        gap = f", {abs(answer / measured - 1):.0%} {side}" if 0.1 < answer / (measured or math.nan) < 2 else ""
        remark = next((text for value, text in answers.traps if abs(answer - value) <= 0.05 * abs(value)), "")
        return Feedback(False, _joined(f"Not quite: you predicted {answer:g}{gap}.", outcome, remark, why))
    chosen = answers[int(answer)]
    if chosen.low <= measured < chosen.high:
        return Feedback(True, f"Yes. You predicted “{chosen.text}”. {outcome} {why}")
    return Feedback(False, _joined(f"Not quite: you predicted “{chosen.text}”.", outcome, chosen.remark, why))


def _joined(*sentences: str) -> str:
    return " ".join(s for s in sentences if s)


class Question(anywidget.AnyWidget):
    """The question with its answers, its Run button and its feedback.

    Args:
        text: the question.
        answers: choices, or a number.
        asked: called with an answer when a person presses Run; what it raises is shown in place of feedback.

    Attributes:
        busy: whether its run is under way.
        given: what was answered so far, in words.
        document: the text of the answers' file, offered as a download where `filename` is not empty.
        saved: where the answers are kept, in words.
    """

    _esm = HERE / "question.js"
    _css = HERE / "course.css"

    text = traitlets.Unicode().tag(sync=True)
    choices = traitlets.List(traitlets.Unicode()).tag(sync=True)
    number = traitlets.Dict().tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)
    feedback = traitlets.Dict().tag(sync=True)
    given = traitlets.List(traitlets.Unicode()).tag(sync=True)
    document = traitlets.Unicode().tag(sync=True)
    filename = traitlets.Unicode().tag(sync=True)
    saved = traitlets.Unicode().tag(sync=True)

    def __init__(self, text: str, answers: Answers, asked: Callable[[float], None], **traits: Any):
        if isinstance(answers, Number):
            traits["number"] = {"low": answers.low, "high": answers.high, "unit": answers.unit}
        else:
            traits["choices"] = [choice.text for choice in answers]
        super().__init__(text=text, **traits)
        self._asked = asked
        self.on_msg(self._heard)

    def tell(self, feedback: Feedback) -> None:
        """Shows the feedback; screen readers announce it."""
        self.feedback = {"tone": "right" if feedback.right else "wrong", "text": feedback.sentence}

    def note(self, sentence: str) -> None:
        """Shows a sentence that judges nothing."""
        self.feedback = {"tone": "note", "text": sentence}

    def _heard(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Run was pressed, in a page that may send anything."""
        if not isinstance(content, dict) or "answer" not in content or self.busy:
            return
        try:
            self._asked(content["answer"])
        except AtlasError as problem:
            self.note(str(problem))
        except Exception as problem:  # ipywidgets would swallow it
            self.note(f"Something went wrong: {problem}. The rest of the page still works; please report it.")
