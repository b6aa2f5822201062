"""What a lesson's notebook calls: stages, predictions and checks, and where the answers go."""

from __future__ import annotations

import importlib
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import ipywidgets as w

from widgetlib.core.words import AtlasError, nearest
from widgetlib.course.answers import Answers
from widgetlib.course.check import Verdict, judge
from widgetlib.course.look import Look, Preset
from widgetlib.course.question import Answers as Possible
from widgetlib.course.question import Question, compare, said
from widgetlib.course.stage import Stage
from widgetlib.course.toy import Toy


class Lesson:
    """One opened lesson.

    Args:
        slug: name of its source, such as `01_edge_of_stability`; its checks are in the module of that name
            without the number.
        student: any name or number: hidden inputs of the checks depend on it.

    Attributes:
        answers: the predictions; beside the notebook, or in memory in a page that Voilà serves.

    Raises:
        AtlasError: the file of answers holds something else.
    """

    def __init__(self, slug: str, student: str = ""):
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch comes: small nets lose with more
        self.served = os.environ.get("SERVER_SOFTWARE", "").startswith("voila")  # visitors share that folder
        self.slug, self.student = slug, student
        self.answers = Answers(slug, student, None if self.served else Path.cwd())
        self._stages: list[Stage] = []

    def stage(self, text: str, *presets: Preset) -> Stage:
        """A paragraph with a button for each preset (`{label}`), and the picture that they set.

        Raises:
            AtlasError: the paragraph and the presets differ.
        """
        return self._kept(Stage(text, presets, self._starting))

    def predict(
        self, name: str, question: str, answers: Possible, run: Preset | Setting, measured: Callable[[Any], float],
        result: str, why: str,
    ) -> Prediction:  # fmt: skip
        """A question whose Run button waits for an answer.

        Args:
            name: of the question in the file of answers; stable, as answers are found by it.
            question: one or two sentences, plain text.
            answers: two or more `Choice`s, or a `Number`.
            run: a preset, or a toy with where its sliders go (`setting`).
            measured: takes the Look of the preset, or the toy's values; returns the number that decides.
            result: a sentence about it, with a place for the number: `"It ended at {:.3g}."`.
            why: the reason, told with every feedback.
        """
        return Prediction(self, name, question, answers, run, measured, result, why)

    def check(self, name: str, *functions: Callable[..., Any]) -> Verdict:
        """Judges an exercise: calls the student's functions with inputs of their own.

        Args:
            name: of the exercise.
            *functions: what the student wrote, in order.

        Raises:
            AtlasError: the lesson has no such exercise.
        """
        module = importlib.import_module(f"widgetlib.course.{self.slug.partition('_')[2]}")
        if name not in module.EXERCISES:
            raise AtlasError(f"this lesson has no exercise {name!r}; {nearest(name, module.EXERCISES)}")
        return judge(module.EXERCISES[name], random.Random(f"{self.student}/{name}"), functions)

    def _kept(self, stage: Stage) -> Stage:
        self._stages.append(stage)
        return stage

    def _starting(self, stage: Stage) -> None:
        """One run at a time: whatever runs further up or down ends with what it has."""
        for other in self._stages:
            if other is not stage and other.worker.working:
                other.worker.stop()


class Setting(NamedTuple):
    """Where a prediction moves the sliders of a toy."""

    toy: Toy
    values: dict[str, float]


def setting(toy: Toy, **values: float) -> Setting:
    """A toy and where its sliders go."""
    return Setting(toy, values)


class Prediction(w.VBox):
    """A question with its picture; made by `Lesson.predict`."""

    def __init__(
        self, lesson: Lesson, name: str, question: str, answers: Possible, run: Preset | Setting,
        measured: Callable[[Any], float], result: str, why: str,
    ):  # fmt: skip
        super().__init__()
        self.add_class("atlas-prediction")
        self._lesson, self._name, self._answers, self._run = lesson, name, answers, run
        self._measured, self._words = measured, (result, why)
        self.question = Question(
            question, answers, self._asked,
            filename=f"{lesson.slug}.json" if lesson.served else "",
            saved="" if lesson.served else f"Kept in answers/{lesson.slug}.json, beside this notebook.",
        )  # fmt: skip
        self.stage = lesson._kept(Stage(starting=lesson._starting)) if isinstance(run, Preset) else None
        self.children = [self.question, *([self.stage] if self.stage else [])]
        lesson.answers.watchers.append(self._refresh)
        self._refresh()

    def _asked(self, answer: float) -> None:
        self._lesson.answers.give(self._name, said(self._answers, answer))
        self.question.note("")
        if isinstance(self._run, Setting):
            self._run.toy.set(**self._run.values)
            self._settle(answer, self._run.values)
            return
        self.question.busy = True
        self.stage.ask(self._run, lambda seen: self._ended(answer, seen))

    def _ended(self, answer: float, seen: Look | None) -> None:
        self.question.busy = False
        if seen is None:
            self.question.note("The run was stopped before its end, so there is nothing to compare: press Run again.")
        else:
            self._settle(answer, seen)

    def _settle(self, answer: float, seen: Any) -> None:
        measured = float(self._measured(seen))
        feedback = compare(self._answers, answer, measured, *self._words)
        self._lesson.answers.settle(self._name, measured, feedback.right)
        self.question.tell(feedback)

    def _refresh(self) -> None:
        """The history of this question, and the document of all."""
        self.question.document = self._lesson.answers.text()
        self.question.given = [_words(entry) for entry in self._lesson.answers.of(self._name)]


def _words(entry: dict[str, Any]) -> str:
    answer = entry["answer"]
    return f"{answer:g}" if isinstance(answer, float) else f"“{answer}”"
