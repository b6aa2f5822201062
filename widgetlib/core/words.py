"""The words that every floor shares and that need no torch."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple


class AtlasError(ValueError):
    """An error whose message is written for the person: what was wrong, with which value, and what to do."""


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint that ends an error about an unknown name: the closest known ones, or all of them."""
    names = sorted(names)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"choose one of: {', '.join(names)}."


class View(NamedTuple):
    """One picture of a run on a card: its heading, the measure that looks, and the figure that draws, by file name."""

    title: str
    measure: str
    figure: str


@dataclass(frozen=True)
class Range:
    """The closed interval of a numeric field; sliders, sweeps and validation are made from it.

    Args:
        low, high: ends of the interval, both allowed.
        log: whether a slider or a search moves by factors instead of by differences.
        step: width of a slider step for a linear range; None leaves the choice to the widget.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high  # NaN compares false: it is outside every range


@dataclass(frozen=True)
class Base:
    """Marks the field of a wrapper that holds another method, by the slug that stands in by default."""

    slug: str


@dataclass(frozen=True)
class Start:
    """A named point to start from.

    Args:
        name: what a menu shows.
        point: coordinates, `d` numbers, or () where the problem draws it from the seed.
    """

    name: str
    point: tuple[float, ...] = ()


class Claim:
    """A checkable statement of a paper, as data that names the study that decides it.

    Args:
        text: the statement in one sentence, with its numbers.
        study: slug of the study that runs it.
        **settings: fields of that study; the method is added by the runner.
    """

    def __init__(self, text: str, study: str, **settings: Any):
        self.text, self.study, self.settings = text, study, settings

    def __repr__(self) -> str:
        return f"Claim({self.text!r}, study={self.study!r})"


class Verdict(NamedTuple):
    """What came out of a study.

    Attributes:
        value: the number that the claim is about.
        low, high: its interval over the seeds that judge (not those that tuned).
        bound: what the claim says of it, in words: "at most 0.5".
        holds: whether the whole interval keeps the bound.
        sentence: what was seen, with numbers.
    """

    value: float
    low: float
    high: float
    bound: str
    holds: bool
    sentence: str
