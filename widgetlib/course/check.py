"""Judging an exercise: the student's functions are called, and one sentence says what came out."""

from __future__ import annotations

import html
import random
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np


class Wrong(Exception):
    """What is not right yet, in a sentence that helps and does not give the answer away."""


class Unanswered(Exception):
    """A function that returns nothing."""


class Verdict(NamedTuple):
    """What a check found; a notebook shows it as a line of text that screen readers announce.

    Attributes:
        state: right, wrong or unanswered.
        sentence: what to say.
    """

    state: str
    sentence: str

    def __repr__(self) -> str:
        return f"{self.state}: {self.sentence}"

    def _repr_html_(self) -> str:
        sign, shade = {"right": ("✓", "#2da863"), "wrong": ("✗", "#ff5d00")}.get(self.state, ("○", "#808080"))
        style = f"border-left: 4px solid {shade}; padding: 6px 12px; max-width: 60em"
        return f'<div role="status" style="{style}">{sign} {html.escape(self.sentence)}</div>'


def judge(check: Callable[..., str], draw: random.Random, functions: Sequence[Callable[..., Any]]) -> Verdict:
    """Runs a check; nothing that a student's function does gets out of it as an error.

    Args:
        check: takes `draw` and the functions; returns praise, or raises Wrong or Unanswered.
        draw: where hidden inputs come from.
        functions: what the student wrote.
    """
    try:
        return Verdict("right", check(draw, *functions))
    except Wrong as problem:
        return Verdict("wrong", str(problem))
    except Unanswered as problem:
        return Verdict("unanswered", str(problem))


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a student's function returns.

    Raises:
        Unanswered: it returns nothing.
        Wrong: it fails; the sentence says how and in which line.
    """
    name = getattr(function, "__name__", "your function")
    try:
        with np.errstate(all="ignore"):
            value = function(*arguments)
    except Exception as problem:
        frames = [f for f in traceback.extract_tb(problem.__traceback__) if f.name == name]
        where = f" in its line “{frames[-1].line}”" if frames and frames[-1].line else ""
        raise Wrong(f"{name} stopped with {type(problem).__name__}: {problem}{where}.") from None
    if value is None or value is Ellipsis:
        raise Unanswered(f"{name} is not answered yet: it returns nothing. (Does it end with `return`?)")
    return value


def numbers(function: Callable[..., Any], arguments: Sequence[Any], shape: tuple[int, ...] = ()) -> np.ndarray:
    """What a student's function returns, as finite numbers of a shape.

    Raises:
        Unanswered: it returns nothing.
        Wrong: it fails, or returns something else.
    """
    value, name = call(function, *arguments), getattr(function, "__name__", "your function")
    wanted = (
        "a number" if shape == () else f"{shape[0]} numbers" if len(shape) == 1 else f"a {shape[0]} by {shape[1]} array"
    )
    try:
        found = np.asarray([float(v) for v in value] if len(shape) == 1 else value, dtype=float)
        found = found.reshape(()) if shape == () and found.size == 1 else found
    except (TypeError, ValueError, RuntimeError):
        raise Wrong(f"{name} should return {wanted}; it returned {value!r:.60}.") from None
    if found.shape != shape:
        raise Wrong(f"{name} should return {wanted}; it returned something of shape {found.shape}.")
    if not np.isfinite(found).all():
        raise Wrong(f"{name} returned {value!r:.60}, which is not finite.")
    return found


def near(found: float, wanted: float, within: float) -> bool:
    """Whether a number is right up to a relative distance."""
    return bool(abs(found - wanted) <= within * abs(wanted))
