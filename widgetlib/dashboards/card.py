"""The card of a method: choose a problem, move a slider, watch four linked views."""

from __future__ import annotations

import html
import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import ipywidgets as w

from widgetlib.catalog import Entry
from widgetlib.core.words import AtlasError
from widgetlib.dashboards.choices import Choices
from widgetlib.dashboards.parts import boxed, button, greet, heading, style, typed
from widgetlib.figures.theme import colour
from widgetlib.studies import verdicts
from widgetlib.widgets import record
from widgetlib.widgets.address import Address
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
CSS = Path(__file__).with_suffix(".css")
HEIGHT = 222
"""Pixels of each view: all four fit a projector."""


class Card(w.VBox):
    """The dashboard of one method.

    Args:
        method: slug of the method that it opens on; None for the first of the catalogue.
        **chosen: `problem`, `steps`, `seed`, `start`, and fields of the method by dotted name.

    Attributes:
        choices: the menus and sliders.
        figures: the four LiveFigures by name of their view.
        worker: the thread that computes; `worker.wait()` in a script.
        trace: the last run, a Trace (None before the first).

    Raises:
        AtlasError: an unknown slug, field, problem or start.
    """

    def __init__(self, method: str | None = None, **chosen: Any):
        super().__init__()
        self.add_class("atlas-card")
        self.asked: Settings | None = None
        self.status, self.address = StatusLine(), Address()
        self.choices = Choices(method, chosen, self._changed, self._anew, self.status)
        self.figures = {name: LiveFigure(height=HEIGHT) for name in VIEWS}
        self.headings = {name: heading(title) for name, title in VIEWS.items()}
        self.player = Player(self.figures.values(), self.status)
        self.bar = w.FloatProgress(0, min=0, max=1, layout=w.Layout(width="auto", height="8px"))
        self.tune = button("Find a rate", self._tune, "One batched sweep; takes half the best rate", self.status)
        self.stop = button("Stop", lambda: self.worker.stop(), "Ends the work and shows what there is", self.status)
        self.surface = w.ToggleButton(False, description="3-D", tooltip="The landscape as a surface",
                                      layout=w.Layout(width="auto"))  # fmt: skip
        self.surface.observe(guarded(lambda change: self._turn(change["new"]), self.status), "value")
        self.worker = Worker(self.status, self._busy)
        self.experiment = Experiment(self._show, self.status.say, self._progress, self.player.span)
        self._assemble()
        greet(self, self.address)
        if not self._replayed(chosen):
            self._changed() if any(n in chosen for n in self.choices.rates()) else self._anew()

    @property
    def trace(self) -> Any:
        """The last run."""
        return self.experiment.trace

    # --- layout

    def _assemble(self) -> None:
        c = self.choices
        self.head, self.equation, self.note = w.HTML(), w.HTMLMath(), w.HTML()
        buttons = w.HBox([self.tune, self.stop, self.surface])
        side = w.VBox([
            c.method, heading("Hyperparameters"), c.of_method, buttons, self.bar, self.status,
            heading("Problem"), c.problem, c.of_problem, c.start,
            heading("Run"), c.steps, c.seed, c.batch, self.address,
        ])  # fmt: skip
        views = w.Box([boxed("atlas-view", w.VBox([self.headings[n], f])) for n, f in self.figures.items()])
        right = w.VBox([self.player, boxed("atlas-views", views)], layout=w.Layout(min_width="0"))
        top = w.Box(
            [boxed("atlas-head", self.head), boxed("atlas-equation", self.equation), boxed("atlas-note", self.note)]
        )
        body = w.Box([boxed("atlas-side", side), right])
        self.children = [style(CSS), boxed("atlas-top", top), boxed("atlas-body", body)]

    def _describe(self) -> None:
        entry = self.choices.entry
        self.head.value, self.note.value = headline(entry), notes(entry)
        self.equation.value = f"$${entry.equation}$$" if entry.equation else ""

    # --- what a person does

    def _changed(self) -> None:
        guarded(self._compute, self.status)()

    def _replayed(self, chosen: dict[str, Any]) -> bool:
        """Opens on the recorded run where nothing else was chosen; the first slider that moves makes it live."""
        if chosen:
            return False
        try:
            found = record.load(self.choices.method.value)
        except AtlasError as problem:  # a damaged record costs a moment, not the card
            self.status.complain(str(problem))
            return False
        if found is None:
            return False
        self.choices.set(found.settings)
        if self.choices.settings() != found.settings:
            return False  # its fields have changed since it was recorded
        self._describe()
        self._remember(found.settings)
        self.experiment.replay(found.views, found.drawn, *found.steps)
        self.status.say(found.words)
        self.stop.disabled, self.bar.layout.visibility = True, "hidden"
        return True

    def _compute(self) -> None:
        want = self.choices.settings()
        if want == self.asked:  # a page rounds what it shows and sends that back as a change
            return
        if self.asked is None:
            self._describe()
        self._remember(want)
        self.worker.ask(lambda token: self.experiment.run(want, token))

    def _anew(self) -> None:
        self._describe()
        if self.choices.rates():
            self._tune()
        else:
            self._compute()

    def _tune(self) -> None:
        """Looks for a rate, then computes with it; the slider shows what was found."""
        rates = self.choices.rates()
        if not rates:
            raise AtlasError(f"{self.choices.entry.title} has no learning rate to look for.")
        want, field = self.choices.settings(), self.choices.controls.find(rates[0])[1]
        self._remember(want)

        def job(token: Token) -> None:
            self.status.say("Looking for a rate …")
            rate = tuned(want, rates[0], field.range, token)
            found = replace(want, fields=want.fields | {rates[0]: float(f"{rate:.2g}")})
            self._remember(found)  # before the slider moves: that is no new wish
            self.choices.controls.put(rates[0], found.fields[rates[0]])
            self.experiment.run(found, token)

        self.worker.ask(job)

    def _turn(self, surface: bool) -> None:
        self.experiment.surface = surface
        if not self.worker.working:  # else the run under way draws it so
            self.worker.ask(self.experiment.redraw)

    def _remember(self, want: Settings) -> None:
        """Keeps what was asked, and the page's address such that the link opens it."""
        self.asked = want
        run = {"method": want.method, "problem": want.problem, "steps": want.steps, "seed": want.seed}
        state = run | {"start": want.start} | ({"batch": want.batch} if want.batch else {}) | want.fields
        self.address.state = {n: f"{v:.6g}" if isinstance(v, float) else str(v) for n, v in state.items()}

    # --- what the worker shows

    def _show(self, name: str, heading: str, picture: Any) -> None:
        self.headings[name].value = f"<h2>{heading}</h2>"  # the world's own: a game has no Hessian
        self.figures[name].draw(picture)

    def _progress(self, share: float) -> None:
        self.bar.value = share

    def _busy(self, busy: bool) -> None:
        self.stop.disabled = not busy
        self.bar.layout.visibility = "visible" if busy else "hidden"


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
        return Card(query.pop("method", None), **(typed(query) | chosen))
    except AtlasError as problem:
        status = StatusLine()
        status.complain(str(problem))
        return status


def headline(entry: Entry) -> str:
    """Title and idea of a method, as HTML."""
    mark = f'<span aria-hidden="true" style="color:{colour(entry.slug)}">● </span>'
    return f"<h1>{mark}{html.escape(entry.title)}</h1><p>{html.escape(entry.idea)}</p>"


def notes(entry: Entry) -> str:
    """The paper, the verdict on its claim, and why there is no law where there is none; as HTML."""
    lines = [f"<i>{html.escape(entry.paper['title'])}</i> ({entry.paper['year']})."] if entry.paper else []
    claim, found = entry.declared.get("claim"), verdicts.kept(entry.slug)
    if claim and found and found["claim"] == claim.text:
        mark = "✓ holds here" if found["holds"] else "✗ does not hold here"
        seen = html.escape(found["sentence"], quote=True)
        lines.append(f'<span title="{seen}"><b>{mark}:</b> {html.escape(claim.text)}</span>')
    if "no_law" in entry.declared:
        lines.append(f"<b>No limit is drawn:</b> {html.escape(entry.declared['no_law'])}")
    return " &ensp; ".join(lines)
