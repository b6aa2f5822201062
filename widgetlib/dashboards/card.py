"""The card of a method: choose a problem, move a slider, watch four linked views."""

from __future__ import annotations

import html
import os
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import ipywidgets as w

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.figures.theme import colour
from widgetlib.widgets.address import Address
from widgetlib.widgets.controls import STYLE, WIDE, Controls
from widgetlib.widgets.experiment import Experiment, Settings, tuned
from widgetlib.widgets.guarded import StatusLine, guarded
from widgetlib.widgets.live import LiveFigure
from widgetlib.widgets.player import Player
from widgetlib.widgets.worker import Token, Worker

VIEWS = {
    "landscape": "Landscape and path",
    "trajectory": "Along the run",
    "eigenvalues": "Eigenvalues of the Hessian",
    "edge": "Edge of stability",
}
CSS = """<style>
.atlas-card { max-width: 1600px; margin: 0 auto; }
.atlas-top { display: grid !important; grid-template-columns: minmax(320px, 1fr) auto; gap: 4px 24px; align-items: center; }
.atlas-head h1 { margin: 0; font-size: 24px; line-height: 1.2; }
.atlas-head p { margin: 2px 0; }
.atlas-paper { opacity: .75; font-size: 13px; }
.atlas-body { display: grid !important; grid-template-columns: minmax(230px, 270px) minmax(0, 1fr); gap: 16px; }
.atlas-views { display: grid !important; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 8px 14px; }
.atlas-view { min-width: 0; overflow: hidden; }
.atlas-view h2 { font-size: 14px; margin: 0; font-weight: 600; }
.atlas-equation { overflow-x: auto; overflow-y: hidden; font-size: 12px; max-width: 100%; }
.atlas-equation .MathJax_Display, .atlas-equation mjx-container { margin: 0 !important; }
.atlas-side .widget-label, .atlas-side .widget-readout { font-size: 13px; }
.atlas-side h2 { font-size: 13px; margin: 8px 0 0; opacity: .75; font-weight: 600; }
@media (max-width: 760px) {
  .atlas-top, .atlas-body, .atlas-views { grid-template-columns: minmax(0, 1fr); }
}
</style>"""


class Card(w.VBox):
    """The dashboard of one method.

    Args:
        method: slug of the method that it opens on; None for the one in the page's address, or the first.
        **chosen: `problem`, `steps`, `seed`, `start`, and fields of the method by dotted name.

    Attributes:
        figures: the four LiveFigures by name of their view.
        worker: the thread that computes; `worker.wait()` in a script.
        trace: the last run, a Trace (None before the first).
    """

    def __init__(self, method: str | None = None, **chosen: Any):
        super().__init__()
        self.add_class("atlas-card")
        self.status, self.address = StatusLine(), Address()
        self.bar = w.FloatProgress(0, min=0, max=1, layout=w.Layout(width="100%", height="8px"))
        self.bar.add_class("atlas-progress")
        self.figures = {name: LiveFigure(height=236) for name in VIEWS}
        self.player = Player(self.figures.values(), self.status)
        self.stop = self._button("Stop", lambda: self.worker.stop(), "Ends the computation and shows what there is")
        self.worker = Worker(self.status, self._busy)
        self.experiment = Experiment(self._show, self.status.say, self._progress, self.player.span)
        self.asked: Settings | None = None
        self._building = True
        self._choices(method, chosen)
        self._assemble()
        self._building = False
        self._new_problem(tune=not any(n in chosen for n in self.rates()))

    @property
    def trace(self) -> Any:
        """The last run."""
        return self.experiment.trace

    def settings(self) -> Settings:
        """What the controls say now."""
        return Settings(
            self.method.value, self.problem.value, self.controls.values(), self.problem_controls.values(),
            self.steps.value, self.seed.value, self.start.value,
        )  # fmt: skip

    def rates(self) -> list[str]:
        """Dotted names of the fields that are learning rates."""
        return [n for n in self.controls.names() if n.rpartition(".")[2] == "lr"]

    # --- building

    def _choices(self, method: str | None, chosen: dict[str, Any]) -> None:
        entries = catalog.methods()
        slugs = [e.slug for e in entries]
        entry = catalog.entry(method) if method else entries[0]
        known = {"problem", "steps", "seed", "start"}
        fields = {n: v for n, v in chosen.items() if n not in known}
        for name in fields:
            entry.field(name.partition(".")[0])
        self.method = self._menu("method", [(e.title, e.slug) for e in entries], slugs[slugs.index(entry.slug)])
        problems = catalog.fitting(entry)
        problem = chosen.get("problem", self._opening(problems))
        if problem not in [p.slug for p in problems]:
            raise AtlasError(
                f"{entry.slug} does not run on {problem!r}; use one of {', '.join(p.slug for p in problems)}."
            )
        self.problem = self._menu("problem", [(p.title, p.slug) for p in problems], problem)
        self.start = self._menu("start", self._starts(), chosen.get("start"))
        self.controls = Controls(entry, self._changed, fields)
        self.problem_controls = Controls(catalog.entry(problem, "problem"), self._changed, {})
        slider = {"style": STYLE, "layout": WIDE}
        self.steps = w.IntSlider(int(chosen.get("steps", 500)), 20, 3000, 20, description="steps", **slider)
        self.seed = w.IntSlider(int(chosen.get("seed", 0)), 0, 20, description="seed", **slider)
        for control in (self.steps, self.seed, self.start):
            control.observe(lambda _: self._changed(), "value")
        self.method.observe(guarded(lambda _: self._new_method(), self.status), "value")
        self.problem.observe(guarded(lambda _: self._new_problem(), self.status), "value")
        self.tune = self._button("Find a rate", self._tune, "One batched sweep over the rate; takes half the best")
        self.surface = w.ToggleButton(False, description="3-D", tooltip="The landscape as a surface",
                                      layout=w.Layout(width="auto"))  # fmt: skip
        self.surface.observe(guarded(lambda change: self._ask_surface(change["new"]), self.status), "value")

    def _assemble(self) -> None:
        self.head, self.equation = w.HTML(), w.HTMLMath()
        self.head.add_class("atlas-head")
        self.equation.add_class("atlas-equation")
        self.side_method, self.side_problem = w.VBox([self.controls]), w.VBox([self.problem_controls])
        side = w.VBox([
            self.method, self._heading("Hyperparameters"), self.side_method,
            w.HBox([self.tune, self.stop, self.surface]), self._heading("Problem"), self.problem, self.side_problem,
            self.start, self._heading("Run"), self.steps, self.seed, self.bar, self.status, self.address,
        ])  # fmt: skip
        side.add_class("atlas-side")
        views = w.Box([self._view(name) for name in VIEWS])
        views.add_class("atlas-views")
        body = w.Box([side, w.VBox([self.player, views], layout=w.Layout(min_width="0"))])
        body.add_class("atlas-body")
        top = w.Box([self.head, self.equation])
        top.add_class("atlas-top")
        self.children = [w.HTML(CSS), top, body]
        self._describe()

    def _view(self, name: str) -> w.Widget:
        box = w.VBox([self._heading(VIEWS[name]), self.figures[name]])
        box.add_class("atlas-view")
        return box

    def _describe(self) -> None:
        entry = catalog.entry(self.method.value)
        paper = f"{entry.paper.get('title', '')} ({entry.paper.get('year', '')})" if entry.paper else ""
        self.head.value = (
            f'<h1><span aria-hidden="true" style="color:{colour(entry.slug)}">● </span>{html.escape(entry.title)}</h1>'
            f'<p>{html.escape(entry.idea)}</p><p class="atlas-paper">{html.escape(paper)}</p>'
        )
        self.equation.value = f"$${entry.equation}$$" if entry.equation else ""

    def _menu(self, name: str, options: list, value: Any) -> w.Dropdown:
        legal = [o[1] if isinstance(o, tuple) else o for o in options]
        if value is not None and value not in legal:
            raise AtlasError(f"there is no {name} {value!r} here; use one of {', '.join(map(str, legal))}.")
        return w.Dropdown(options=options, value=value or legal[0], description=name, style=STYLE, layout=WIDE)

    def _button(self, text: str, act: Any, tooltip: str) -> w.Button:
        button = w.Button(description=text, tooltip=tooltip, layout=w.Layout(width="auto"))
        button.on_click(guarded(lambda _: act(), self.status))
        return button

    @staticmethod
    def _heading(text: str) -> w.HTML:
        return w.HTML(f"<h2>{text}</h2>")

    @staticmethod
    def _opening(problems: list) -> str:
        """The problem that a card opens on: the cheapest to look at, a function of two unknowns with minima."""
        if not problems:
            raise AtlasError("no problem of the catalogue offers what this method asks for; add one in problems/.")
        drawn = [p.slug for p in problems if p.declared.get("minima") and p.declared.get("window")]
        return (drawn or [p.slug for p in problems])[0]

    def _starts(self) -> list[str]:
        starts = catalog.entry(self.problem.value, "problem").declared.get("starts", ())
        return [s.name for s in starts] or ["drawn from the seed"]

    # --- what a person does

    def _changed(self) -> None:
        if self._building:
            return
        guarded(self._compute, self.status)()

    def _compute(self) -> None:
        want = self.settings()
        if want == self.asked:  # a page rounds what it shows and sends that back as a change
            return
        self._remember(want)
        self.worker.ask(lambda token: self.experiment.run(want, token))

    def _new_method(self) -> None:
        entry = catalog.entry(self.method.value)
        self._building = True
        self.controls = Controls(entry, self._changed)
        self.side_method.children = [self.controls]
        self.problem.options = [(p.title, p.slug) for p in catalog.fitting(entry)]
        self._building = False
        self._describe()
        self._new_problem()

    def _new_problem(self, tune: bool = True) -> None:
        self._building = True
        self.problem_controls = Controls(catalog.entry(self.problem.value, "problem"), self._changed)
        self.side_problem.children = [self.problem_controls]
        self.start.options = self._starts()
        self._building = False
        if tune and self.rates():
            self._tune()
        else:
            self._compute()

    def _tune(self) -> None:
        """Looks for a rate, then computes with it; the slider shows what was found."""
        rates = self.rates()
        if not rates:
            raise AtlasError(f"{self.method.value} has no learning rate to look for.")
        want, (control, field) = self.settings(), self.controls.find(rates[0])
        self._remember(want)

        def job(token: Token) -> None:
            self.status.say("Looking for a rate …")
            rate = tuned(want, rates[0], field.range, token)
            found = replace(want, fields=want.fields | {rates[0]: float(f"{rate:.2g}")})
            self._remember(found)  # before the slider moves: that is no new wish
            control.value = found.fields[rates[0]]
            self.experiment.run(found, token)

        self.worker.ask(job)

    def _ask_surface(self, surface: bool) -> None:
        self.experiment.surface = surface
        if not self.worker.working:  # else the run under way draws it so
            self.worker.ask(lambda token: self.experiment.redraw(token))

    def _remember(self, want: Settings) -> None:
        """Keeps what was asked, and the page's address such that the link opens it."""
        self.asked = want
        chosen = want.fields | {"problem": want.problem, "steps": want.steps, "seed": want.seed, "start": want.start}
        self.address.state = {"method": want.method} | {n: f"{v:.6g}" if isinstance(v, float) else str(v)
                                                        for n, v in chosen.items()}  # fmt: skip

    # --- what the worker shows

    def _show(self, name: str, picture: Any) -> None:
        self.figures[name].draw(picture)

    def _progress(self, share: float) -> None:
        self.bar.value = share

    def _busy(self, busy: bool) -> None:
        self.stop.disabled = not busy


def card(method: str | None = None, **chosen: Any) -> w.Widget:
    """The card of a method as a dashboard.

    Args:
        method: slug; None for what the page's address says (`?method=adam&lr=0.01`), or the first.
        **chosen: `problem`, `steps`, `seed`, `start`, and fields of the method by dotted name.

    Raises:
        AtlasError: an unknown slug, field or problem. In a page opened by its address the sentence is shown
            in place of the card.
    """
    if method is not None:
        return Card(method, **chosen)
    query = dict(parse_qsl(os.environ.get("QUERY_STRING", "")))
    try:
        return Card(query.pop("method", None), **(_typed(query) | chosen))
    except AtlasError as problem:
        status = StatusLine()
        status.complain(str(problem))
        return status


def _typed(query: dict[str, str]) -> dict[str, Any]:
    """Numbers of an address as numbers; what the page itself adds (its theme) is left out."""
    found: dict[str, Any] = {}
    for name, text in query.items():
        if name in ("theme", "template", "title"):
            continue
        try:
            found[name] = float(text)
        except ValueError:
            found[name] = text
    return found
