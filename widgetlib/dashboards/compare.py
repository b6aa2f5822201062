"""Several methods on one problem: their paths on one landscape and their merit, side by side at equal cost."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import ipywidgets as w

from widgetlib.core.words import AtlasError
from widgetlib.dashboards.contenders import Contenders
from widgetlib.dashboards.parts import boxed, button, greet, heading, style, typed
from widgetlib.figures.rivals import Clock
from widgetlib.widgets.address import Address
from widgetlib.widgets.comparison import Comparison, Contest
from widgetlib.widgets.guarded import StatusLine, guarded
from widgetlib.widgets.live import LiveFigure
from widgetlib.widgets.player import Player
from widgetlib.widgets.worker import Token, Worker

VIEWS = {"landscape": "Landscape and paths", "progress": "Merit at equal cost"}
SHEETS = (Path(__file__).with_name("card.css"), Path(__file__).with_suffix(".css"))
FRAME = 30
"""Milliseconds from one frame of the player to the next."""


class Compare(w.VBox):
    """The dashboard that compares methods.

    Args:
        methods: slugs; none for one of each of a few families.
        **chosen: `problem`, `steps`, `seeds`, `start`, `axis`, `batch`, and `slug.field` of a method or the problem.

    Attributes:
        choices: the menus and sliders.
        figures: the two LiveFigures, `landscape` and `progress`.
        worker: the thread that computes; `worker.wait()` in a script.
        traces: the last runs by slug, a sweep over seeds each.

    Raises:
        AtlasError: an unknown slug or field, or a method that does not fit the problem.
    """

    def __init__(self, methods: Sequence[str] = (), **chosen: Any):
        super().__init__()
        self.add_class("atlas-card")
        self.add_class("atlas-compare")
        self.asked: Contest | None = None
        self.status, self.address = StatusLine(), Address()
        self.choices = Contenders(methods, chosen, self._changed, self.status)
        self.figures = {name: LiveFigure(height=420) for name in VIEWS}
        self.player = Player(self.figures.values(), self.status)
        self.player.play.interval = FRAME
        self.player.scrub.style.description_width = "initial"
        self.bar = w.FloatProgress(0, min=0, max=1, layout=w.Layout(width="auto", height="8px"))
        self.tune = button("Find rates", self._tune, "For each method, a batched sweep over its rate", self.status)
        self.stop = button("Stop", lambda: self.worker.stop(), "Ends the work and shows what there is", self.status)
        self.worker = Worker(self.status, self._busy)
        self.comparison = Comparison(self._show, self.status.say, self._progress, self._ran)
        self._assemble()
        greet(self, self.address)
        self._changed()

    @property
    def traces(self) -> dict[str, Any]:
        """The last runs by slug."""
        return self.comparison.traces

    def _assemble(self) -> None:
        c = self.choices
        side = w.VBox([
            heading("Methods and their rates"), c.of_methods, c.add, w.HBox([self.tune, self.stop]), self.bar,
            self.status, heading("Problem"), c.problem, c.of_problem, c.start,
            heading("Runs"), c.steps, c.seeds, c.batch, self.address,
        ])  # fmt: skip
        views = w.Box([boxed("atlas-view", w.VBox([heading(VIEWS[n]), f])) for n, f in self.figures.items()])
        top = boxed("atlas-transport", w.Box([self.player, boxed("atlas-axis", c.axis)]))
        right = w.VBox([top, boxed("atlas-views", views)], layout=w.Layout(min_width="0"))
        head = w.HTML("<h1>Compare methods</h1><p>One problem, one start, equal cost: each marker stands where its "
                      "method has spent as much as the others.</p>")  # fmt: skip
        body = w.Box([boxed("atlas-side", side), right])
        self.children = [style(*SHEETS), boxed("atlas-head", head), boxed("atlas-body", body)]

    # --- what a person does

    def _changed(self) -> None:
        guarded(self._compute, self.status)()

    def _compute(self) -> None:
        want, missing = self.choices.contest(), self.choices.untuned()
        if want == self.asked and not missing:  # a page rounds what it shows and sends that back as a change
            return
        self._remember(want)
        self.worker.ask(lambda token: self._job(want, missing, token))

    def _tune(self) -> None:
        """Looks for the rate of every method anew."""
        self.choices.forget_rates()
        self._compute()

    def _job(self, want: Contest, missing: list[str], token: Token) -> None:
        """On the worker's thread: the rates that are missing, then the runs."""
        rates = {}
        for done, slug in enumerate(missing):
            name = self.choices.sides[slug].name
            legal = self.choices.sides[slug].controls.find(name)[1].range
            rates[slug] = self.comparison.rate(want, slug, name, legal, token)
            want = replace(want, fields=want.fields | {slug: want.fields[slug] | {name: rates[slug]}})
            self._progress((done + 1) / len(missing))
        if token.stopped and missing:  # half a search decides nothing; the next change looks again
            self.asked = None
            self.status.say("Stopped before the rates were found.")
            return
        self._remember(want)  # before the sliders move: that is no new wish
        self.choices.found(rates)
        self.comparison.run(want, token)
        self.choices.show_axis(self.comparison.axis(want))

    def _remember(self, want: Contest) -> None:
        """Keeps what was asked, and the page's address such that the link opens it."""
        self.asked = want
        run = {"methods": ",".join(want.methods), "problem": want.problem, "steps": want.steps, "seeds": want.seeds}
        run |= {"start": want.start or "", "batch": want.batch or "", "axis": want.axis}
        state = run | self.choices.told(want)
        self.address.state = {n: f"{v:.6g}" if isinstance(v, float) else str(v) for n, v in state.items()}

    # --- what the worker shows

    def _show(self, name: str, picture: Any) -> None:
        self.figures[name].draw(picture)

    def _ran(self, at: Clock) -> None:
        self.player.scrub.description = at.unit
        self.player.span(0, at.last)

    def _progress(self, share: float) -> None:
        self.bar.value = share

    def _busy(self, busy: bool) -> None:
        self.stop.disabled = not busy
        self.bar.layout.visibility = "visible" if busy else "hidden"


def compare(methods: Sequence[str] | None = None, **chosen: Any) -> w.Widget:
    """Several methods on one problem, as a dashboard.

    Args:
        methods: slugs; None for what the page's address says (`?methods=adam,gd&problem=rosenbrock`), or one method
            of each of a few families.
        **chosen: `problem`, `steps`, `seeds`, `start`, `axis` (steps, gradients, values, products, seconds), `batch`,
            and `slug.field` of a method or the problem: `**{"adam.lr": 0.01}`.

    Raises:
        AtlasError: an unknown slug or field, or a method that does not fit the problem. In a page opened by its
            address the sentence is shown in place of the dashboard.
    """
    if methods is not None:
        return Compare(methods, **chosen)
    query = dict(parse_qsl(os.environ.get("QUERY_STRING", "")))
    try:
        named = [slug.strip() for slug in query.pop("methods", "").split(",") if slug.strip()]
        return Compare(named, **(typed(query) | chosen))
    except AtlasError as problem:
        status = StatusLine()
        status.complain(str(problem))
        return status
