"""What a person chooses in a comparison: the methods and their rates, the problem, and what all runs share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as w

from widgetlib import catalog
from widgetlib.catalog import Entry
from widgetlib.core.words import AtlasError, nearest
from widgetlib.dashboards.request import MOST, RUN, fitting, understood
from widgetlib.figures.rivals import AXES, Mark, marks
from widgetlib.widgets.comparison import Contest
from widgetlib.widgets.controls import STYLE, WIDE, Controls
from widgetlib.widgets.guarded import StatusLine, guarded

BATCHES = (("all samples", 0), *((str(n), n) for n in (8, 32, 128)))
DASHES = {"solid": "", "dash": "7 5", "dot": "2 4", "dashdot": "7 4 2 4", "longdash": "11 5"}


class Side(w.Box):
    """One method: its mark, its name, its rate, and a button that takes it out."""

    def __init__(self, entry: Entry, changed: Callable[[], None], remove: Callable[[], None], values: dict[str, Any]):
        self.entry = entry
        self.controls = Controls(entry, changed, values)
        self.name = next((n for n in self.controls.names() if n.rpartition(".")[2] == "lr"), None)
        self.tuned = self.name is None or self.name in values
        self.swatch = w.HTML()
        self.swatch.add_class("atlas-swatch")
        self.remove = w.Button(description="×", tooltip=f"Take {entry.title} out", layout=w.Layout(width="26px"))
        self.remove.on_click(lambda _: remove())
        if self.name is None:
            self.rate = w.Label(entry.title)
        else:
            self.rate = self.controls.find(self.name)[0]
            self.rate.description, self.rate.tooltip = entry.title, f"{self.name} of {entry.title}"
        super().__init__([self.swatch, self.rate, self.remove])
        self.add_class("atlas-side-row")

    def wear(self, mark: Mark) -> None:
        """Shows the line by which the figures draw this method."""
        self.swatch.value = (
            f'<svg width="26" height="12" aria-hidden="true"><line x1="1" x2="25" y1="6" y2="6" stroke-width="3.5" '
            f'stroke="{mark.colour}" stroke-dasharray="{DASHES[mark.dash]}"/></svg>'
        )


class Contenders:
    """Menus and sliders; the dashboard places them.

    Args:
        methods: slugs, or none for one of each family.
        chosen: `problem`, `steps`, `seeds`, `start`, `axis`, `batch`, and `slug.field` of a method or the problem.
        changed: called when a value changed, a method came or went, or another problem was chosen.
        status: where an error of a callback is put into words.
    """

    def __init__(
        self, methods: Sequence[str], chosen: dict[str, Any], changed: Callable[[], None], status: StatusLine
    ):  # fmt: skip
        self._changed, self._status, self._quiet = changed, status, True
        asked = understood(methods, chosen)
        problem, slug = asked.problem, asked.problem.slug
        self.problem = _menu("problem", [(p.title, p.slug) for p in asked.problems], slug)
        self.start = _menu("start", _starts(problem), chosen.get("start"))
        self.batch = _menu("batch", list(BATCHES), chosen.get("batch") or 0)
        self.batch.layout = w.Layout(width="auto")  # its own: it is hidden where there are no samples
        self.axis = _menu("axis", [(n, a) for a, n in AXES.items()], chosen.get("axis") or "gradients")
        self.axis.description = "at equal"
        self.axis_chosen = bool(chosen.get("axis"))
        self.of_problem, self.of_methods, self.controls = w.VBox(), w.VBox(), None
        slider = {"style": STYLE, "layout": WIDE}
        values = [f.check(chosen.get(f.name, f.default), "the comparison") for f in RUN]
        self.steps, self.seeds = (
            w.IntSlider(
                value, int(f.range.low), int(f.range.high), int(f.range.step or 1), description=f.name, **slider
            )
            for f, value in zip(RUN, values, strict=True)
        )
        self.add = w.Combobox(placeholder="Add a method …", continuous_update=False, layout=WIDE)
        self.add.tooltip = "Add a method that fits this problem"
        self.sides: dict[str, Side] = {}
        for entry in asked.entries:
            self._join(entry, asked.nested.get(entry.slug, {}))
        self._settle(asked.nested.get(slug, {}))
        for control in (self.steps, self.seeds, self.start, self.batch):
            control.observe(self._guarded(lambda _: self._heard()), "value")
        self.axis.observe(self._guarded(lambda _: self._new_axis()), "value")
        self.problem.observe(self._guarded(lambda _: self._new_problem()), "value")
        self.add.observe(self._guarded(lambda change: self._asked(change["new"])), "value")
        self._quiet = False

    def contest(self) -> Contest:
        """What the controls say now."""
        fields = {slug: side.controls.values() for slug, side in self.sides.items()}
        return Contest(
            tuple(self.sides), self.problem.value, fields, self.controls.values(), self.steps.value, self.seeds.value,
            self.start.value, self.batch.value or None, self.axis.value if self.axis_chosen else "",
        )  # fmt: skip

    def told(self, want: Contest) -> dict[str, Any]:
        """`slug.field` of what a link has to say: every rate, and whatever is not at its default."""
        found = {}
        for slug, values in {want.problem: want.problem_fields, **want.fields}.items():
            entry = catalog.entry(slug) if slug in want.fields else catalog.entry(slug, "problem")
            for name, value in values.items():
                head, _, rest = name.partition(".")
                field = catalog.entry(values[head]).field(rest) if rest else entry.field(head)
                if value != field.default or field.name == "lr":
                    found[f"{slug}.{name}"] = value
        return found

    def untuned(self) -> list[str]:
        """The methods for which no rate was chosen or found yet."""
        return [slug for slug, side in self.sides.items() if not side.tuned]

    def forget_rates(self) -> None:
        """Has every rate looked for again."""
        for side in self.sides.values():
            side.tuned = side.name is None

    def found(self, rates: dict[str, float]) -> None:
        """Sets rates that were looked for; that is no new wish."""
        self._silently(lambda: [self._set_rate(slug, rate) for slug, rate in rates.items() if slug in self.sides])

    def show_axis(self, axis: str) -> None:
        """Shows the axis that was taken where none was chosen."""
        self._silently(lambda: setattr(self.axis, "value", axis))

    # --- what a person does

    def _asked(self, text: str) -> None:
        """Adds the method of that title or slug."""
        if not text.strip():
            return
        self.add.value = ""
        problem, free = catalog.entry(self.problem.value, "problem"), self._free()
        entry = next((e for e in free if text.strip().lower() in (e.title.lower(), e.slug)), None)
        if not free:
            raise AtlasError(f"every method that fits {problem.title} is compared already.")
        if entry is None:
            hint = nearest(text, [e.title for e in free])
            raise AtlasError(f"no other method {text!r} fits {problem.title}; {hint}")
        if len(self.sides) >= MOST:
            raise AtlasError(f"{MOST} methods are compared already; take one out before you add {entry.title}.")
        self._join(entry, {})
        self._dress()
        self._heard()

    def _leave(self, slug: str) -> None:
        if len(self.sides) > 1:
            del self.sides[slug]
            self._dress()
            self._heard()

    def _new_axis(self) -> None:
        if not self._quiet:
            self.axis_chosen = True
            self._changed()

    def _new_problem(self) -> None:
        """Keeps the methods that fit, each with a new rate; at least two where there are so many."""
        problem = catalog.entry(self.problem.value, "problem")
        able = {e.slug: e for e in fitting(problem)}
        kept = [slug for slug in self.sides if slug in able]
        kept += [slug for slug in able if slug not in kept][: max(0, 2 - len(kept))]
        self._quiet, self.sides = True, {}
        for slug in kept:
            self._join(able[slug], {})
        self.start.options = _starts(problem)
        self.axis_chosen = False
        self._settle({})
        self._quiet = False
        self._changed()

    # --- how it works

    def _heard(self) -> None:
        if not self._quiet:
            self._changed()

    def _guarded(self, function: Callable[..., None]) -> Callable[..., None]:
        return guarded(function, self._status)

    def _silently(self, act: Callable[[], Any]) -> None:
        self._quiet = True
        try:
            act()
        finally:
            self._quiet = False

    def _set_rate(self, slug: str, rate: float) -> None:
        self.sides[slug].rate.value, self.sides[slug].tuned = rate, True

    def _join(self, entry: Entry, values: dict[str, Any]) -> None:
        leave = self._guarded(lambda: self._leave(entry.slug))
        self.sides[entry.slug] = Side(entry, self._guarded(self._heard), leave, values)

    def _settle(self, values: dict[str, Any]) -> None:
        """What follows from the problem: its sliders, and whether there are samples to draw a batch from."""
        problem = catalog.entry(self.problem.value, "problem")
        self.controls = Controls(problem, self._guarded(self._heard), values)
        self.of_problem.children = [self.controls]
        sampled = "finite_sum" in catalog.worlds()[problem.world]
        self.batch.layout.display = "" if sampled else "none"
        self.batch.value = self.batch.value if sampled else 0
        self._dress()

    def _dress(self) -> None:
        """Marks and rows of the methods that are in, and the names of those that may join."""
        for slug, mark in marks(list(self.sides)).items():
            self.sides[slug].wear(mark)
            self.sides[slug].remove.disabled = len(self.sides) == 1
        self.of_methods.children = list(self.sides.values())
        self.add.options = [e.title for e in self._free()]

    def _free(self) -> list[Entry]:
        problem = catalog.entry(self.problem.value, "problem")
        return [e for e in fitting(problem) if e.slug not in self.sides]


def _starts(problem: Entry) -> list[str]:
    return [s.name for s in problem.declared.get("starts", ())] or ["drawn from the seed"]


def _menu(name: str, options: list, value: Any) -> w.Dropdown:
    legal = [o[1] if isinstance(o, tuple) else o for o in options]
    if value is not None and value not in legal:
        raise AtlasError(f"there is no {name} {value!r} here; use one of: {', '.join(map(str, legal))}.")
    value = legal[0] if value is None else legal[legal.index(value)]  # 8 where a link said 8.0
    return w.Dropdown(options=options, value=value, description=name, style=STYLE, layout=WIDE)
