"""What a person chooses on a card: method, problem, hyperparameters, start and run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as w

from widgetlib import catalog
from widgetlib.catalog import Entry, Field
from widgetlib.core.words import AtlasError, Range
from widgetlib.widgets.controls import STYLE, WIDE, Controls
from widgetlib.widgets.experiment import Settings
from widgetlib.widgets.guarded import StatusLine, guarded

BATCHES = [("all", 0), *((str(n), n) for n in (4, 8, 16, 32, 64, 128, 256, 512))]
STEPS, SEEDS = Range(20, 3000, step=20), Range(0, 20)
RUN = (Field("steps", "int", 500, STEPS), Field("seed", "int", 0, SEEDS))


class Choices:
    """Menus and sliders; the card places them.

    Args:
        method: slug, or None for the first of the catalogue.
        chosen: `problem`, `steps`, `seed`, `start`, and fields of the method by dotted name.
        changed: called when a value changed.
        anew: called when another method or problem was chosen, after its sliders have been made.
        status: where an error of a callback is put into words.
    """

    def __init__(
        self, method: str | None, chosen: dict[str, Any], changed: Callable[[], None], anew: Callable[[], None],
        status: StatusLine,
    ):  # fmt: skip
        self._changed, self._anew, self._building = changed, anew, True
        entries = catalog.methods()
        entry = catalog.entry(method) if method else entries[0]
        fields = {n: v for n, v in chosen.items() if n not in ("problem", "start", "steps", "seed", "batch")}
        for name in fields:
            entry.field(name.partition(".")[0])  # an unknown name is an error, whatever came after it
        problems = catalog.fitting(entry)
        self.method = _menu("method", [(e.title, e.slug) for e in entries], entry.slug)
        self.problem = _menu(
            "problem", [(p.title, p.slug) for p in problems], chosen.get("problem", _opening(problems))
        )
        self.start = _menu("start", self._starts(), chosen.get("start"))
        self.controls = Controls(entry, self._heard, fields)
        self.problem_controls = Controls(catalog.entry(self.problem.value, "problem"), self._heard)
        steps, seed = (field.check(chosen.get(field.name, field.default), "the run") for field in RUN)
        slider = {"style": STYLE, "layout": WIDE}
        self.steps = w.IntSlider(steps, STEPS.low, STEPS.high, STEPS.step, description="steps", **slider)
        self.seed = w.IntSlider(seed, SEEDS.low, SEEDS.high, description="seed", **slider)
        self.batch = w.SelectionSlider(options=BATCHES, description="batch", tooltip="images in a mini-batch", **slider)
        self._fit_batch(chosen.get("batch"))
        self.of_method, self.of_problem = w.VBox([self.controls]), w.VBox([self.problem_controls])
        for control in (self.steps, self.seed, self.start, self.batch):
            control.observe(guarded(lambda _: self._heard(), status), "value")
        self.method.observe(guarded(lambda _: self._new_method(), status), "value")
        self.problem.observe(guarded(lambda _: self._new_problem(), status), "value")
        self._building = False

    @property
    def entry(self) -> Entry:
        """The catalogue's entry of the method chosen."""
        return catalog.entry(self.method.value)

    def settings(self) -> Settings:
        """What the controls say now."""
        return Settings(
            self.method.value, self.problem.value, self.controls.values(), self.problem_controls.values(),
            self.steps.value, self.seed.value, self.start.value, self.batch.value or None,
        )  # fmt: skip

    def set(self, want: Settings) -> None:
        """Moves the controls to `want` (of the method chosen) without computing."""
        self._building = True
        self.problem.value = want.problem
        self.problem_controls = Controls(catalog.entry(want.problem, "problem"), self._heard, want.problem_fields)
        self.controls = Controls(self.entry, self._heard, want.fields)
        self.of_problem.children, self.of_method.children = [self.problem_controls], [self.controls]
        self.start.options = self._starts()
        self.start.value, self.steps.value, self.seed.value = want.start, want.steps, want.seed
        self._fit_batch(want.batch)
        self._building = False

    def rates(self) -> list[str]:
        """Dotted names of the fields that are learning rates."""
        return [n for n in self.controls.names() if n.rpartition(".")[2] == "lr"]

    def _heard(self) -> None:
        if not self._building:
            self._changed()

    def _new_method(self) -> None:
        self._building = True
        self.controls = Controls(self.entry, self._heard)
        self.of_method.children = [self.controls]
        kept, problems = self.problem.value, catalog.fitting(self.entry)
        self.problem.options = [(p.title, p.slug) for p in problems]
        self.problem.value = kept if kept in [p.slug for p in problems] else _opening(problems)
        self._building = False
        self._new_problem()

    def _new_problem(self) -> None:
        if self._building:
            return
        self._building = True
        self.problem_controls = Controls(catalog.entry(self.problem.value, "problem"), self._heard)
        self.of_problem.children = [self.problem_controls]
        self.start.options = self._starts()
        self._fit_batch()
        self._building = False
        self._anew()

    def _fit_batch(self, wanted: Any = None) -> None:
        """Mini-batches where the problem is a sum over samples; a method made for them begins with one."""
        summed = "finite_sum" in catalog.worlds()[catalog.entry(self.problem.value, "problem").world]
        legal = [size for _, size in BATCHES]
        if wanted is not None and (wanted not in legal or not summed):
            raise AtlasError(
                f"batch = {wanted:g} does not fit this card; use one of {legal[1:]} on a problem with samples."
            )
        asked = self.entry.world == "finite_sum"
        self.batch.value = int(wanted) if wanted is not None else 8 if summed and asked else 0
        self.batch.layout.display = None if summed else "none"

    def _starts(self) -> list[str]:
        starts = catalog.entry(self.problem.value, "problem").declared.get("starts", ())
        return [s.name for s in starts] or ["drawn from the seed"]


def _opening(problems: list[Entry]) -> str:
    """The problem that a card opens on: the one that says so, else a function of two unknowns with known minima."""
    if not problems:
        raise AtlasError("no problem of the catalogue offers what this method asks for; add one in problems/.")
    chosen = [p.slug for p in problems if p.declared.get("opens_cards")]
    drawn = [p.slug for p in problems if p.declared.get("minima") and p.declared.get("window")]
    return (chosen or drawn or [p.slug for p in problems])[0]


def _menu(name: str, options: list, value: Any) -> w.Dropdown:
    legal = [o[1] if isinstance(o, tuple) else o for o in options]
    if value is not None and value not in legal:
        raise AtlasError(f"there is no {name} {value!r} for this card; use one of: {', '.join(map(str, legal))}.")
    return w.Dropdown(options=options, value=value or legal[0], description=name, style=STYLE, layout=WIDE)
