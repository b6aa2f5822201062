"""Play, pause, step and scrub: moves the linked cursors of figures in the page, without the kernel."""

from __future__ import annotations

from collections.abc import Iterable

import ipywidgets as w

from widgetlib.widgets.guarded import StatusLine, guarded
from widgetlib.widgets.live import LiveFigure


class Player(w.HBox):
    """A transport bar for the step that the figures' cursors show.

    Args:
        figures: the figures whose cursor follows.
        status: where an error of a button is put into words.
    """

    def __init__(self, figures: Iterable[LiveFigure], status: StatusLine):
        self.play = w.Play(0, 0, 1, interval=40, description="play the run", show_repeat=False,
                           layout=w.Layout(flex="0 0 auto"))  # fmt: skip
        self.scrub = w.IntSlider(0, 0, 1, description="step", style={"description_width": "2.6em"},
                                 layout=w.Layout(flex="1 1 auto", width="auto", min_width="120px"))  # fmt: skip
        self.back = self._button("step back", "step-backward", -1, status)
        self.forward = self._button("step forward", "step-forward", 1, status)
        w.jslink((self.play, "value"), (self.scrub, "value"))
        for figure in figures:
            w.jslink((self.scrub, "value"), (figure, "cursor"))
        super().__init__([self.play, self.back, self.forward, self.scrub], layout=w.Layout(width="100%"))
        self.add_class("atlas-player")

    def span(self, first: int, last: int) -> None:
        """The steps of a new run; the cursor goes to its end, and playing starts from its beginning."""
        last = max(last, first + 1)
        stride = max(1, (last - first) // 150)  # a run takes about six seconds, however long it is
        for widget in (self.scrub, self.play):  # all ends before any value: the page's link would clamp it
            with widget.hold_sync():
                widget.max = max(last, widget.min)
                widget.min, widget.max = first, last
        for widget in (self.scrub, self.play):
            widget.value = last
        self.play.step = stride

    def _button(self, name: str, icon: str, by: int, status: StatusLine) -> w.Button:
        button = w.Button(icon=icon, tooltip=name, layout=w.Layout(width="36px", flex="0 0 auto"))
        button.on_click(guarded(lambda _: self._move(by), status))
        return button

    def _move(self, by: int) -> None:
        self.scrub.value = min(max(self.scrub.value + by, self.scrub.min), self.scrub.max)
