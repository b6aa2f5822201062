"""A picture that the buttons of a paragraph set going."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as w
import traitlets

from widgetlib.core.words import AtlasError
from widgetlib.course.look import Look, Preset, look
from widgetlib.widgets.guarded import StatusLine, guarded
from widgetlib.widgets.live import LiveFigure
from widgetlib.widgets.player import Player
from widgetlib.widgets.worker import Token, Worker

HERE = Path(__file__).parent


class Prose(anywidget.AnyWidget):
    """Paragraphs with buttons in them.

    Args:
        text: plain text; an empty line parts paragraphs, `{label}` is the button of the preset of that label.
        presets: the presets.
        pressed: called with the preset whose button was pressed.

    Raises:
        AtlasError: a label without a preset, or a preset without its place in the text.
    """

    _esm = HERE / "prose.js"
    _css = HERE / "course.css"

    paragraphs = traitlets.List().tag(sync=True)
    active = traitlets.Int(-1).tag(sync=True)

    def __init__(self, text: str, presets: tuple[Preset, ...], pressed: Callable[[Preset], None]):
        super().__init__()
        labels = [preset.label for preset in presets]
        self._presets, self._pressed = presets, pressed
        if sorted(labels) != sorted(re.findall(r"\{(.*?)\}", text)):
            raise AtlasError(f"the paragraph and its presets differ; write each once, in braces: {', '.join(labels)}.")

        def part(piece: str) -> dict[str, Any]:
            label = piece[1:-1]
            return {"text": label, "preset": labels.index(label)} if piece.startswith("{") else {"text": piece}

        paragraphs = [" ".join(p.split()) for p in re.split(r"\n\s*\n", text.strip())]
        self.paragraphs = [[part(piece) for piece in re.split(r"(\{.*?\})", p) if piece] for p in paragraphs]
        self.on_msg(self._heard)

    def _heard(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """A press, from a page that may send anything."""
        chosen = content.get("preset") if isinstance(content, dict) else None
        if isinstance(chosen, int) and 0 <= chosen < len(self._presets):
            self.active = chosen
            self._pressed(self._presets[chosen])


class Stage(w.VBox):
    """Runs presets, one at a time, and shows sharpness, loss and meter while they run.

    Args:
        text: the paragraph above the picture with a button for each preset, or empty.
        presets: what the buttons run.
        starting: called with the stage before a run.

    Attributes:
        worker: the thread that computes.
        seen: the last Look, None before the first.
    """

    def __init__(
        self, text: str = "", presets: tuple[Preset, ...] = (), starting: Callable[[Stage], None] = lambda _: None
    ):
        super().__init__()
        self.add_class("atlas-stage")
        self.seen: Look | None = None
        self._starting = starting
        self.status, self.figure = StatusLine(), LiveFigure(height=360)
        self.player = Player([self.figure], self.status)
        self.bar = w.FloatProgress(0, min=0, max=1, layout=w.Layout(flex="1 1 auto", width="auto", height="8px"))
        self.bar.layout.visibility = "hidden"
        self.worker = Worker(self.status, self._busy)
        stop = w.Button(
            description="Stop", tooltip="Ends the run and shows what there is", layout=w.Layout(width="auto")
        )
        stop.on_click(guarded(lambda _: self.worker.stop(), self.status))
        self.body = w.VBox([self.player, w.HBox([stop, self.bar]), self.status, self.figure])
        self.body.layout.display = "none"  # until there is something to see
        self.prose = Prose(text, presets, self.ask) if text or presets else None
        self.children = [*([self.prose] if self.prose else []), self.body]

    def ask(self, wanted: Preset, done: Callable[[Look | None], None] = lambda _: None) -> None:
        """Runs a preset in place of whatever ran here.

        Args:
            wanted: the preset.
            done: called at its end with what was seen; None where it was stopped or failed.
        """
        guarded(self._ask, self.status)(wanted, done)

    def _ask(self, wanted: Preset, done: Callable[[Look | None], None]) -> None:
        self._starting(self)
        self.body.layout.display = ""
        self.status.say("Starting …")
        self.worker.ask(lambda token: self._run(wanted, done, token))

    def _run(self, wanted: Preset, done: Callable[[Look | None], None], token: Token) -> None:
        opened = False

        def show(seen: Look, share: float) -> None:
            nonlocal opened
            token.check()
            self.bar.value = share
            self.figure.draw(seen.picture())
            if not opened:  # once: what changes all the time must not be announced all the time
                opened = True
                self.status.say(f"Running: {wanted.label} …")

        self.bar.value = 0
        try:
            seen = look(wanted, token, show)
        except Exception:
            done(None)  # whoever waits must not wait for ever
            raise
        show(seen, 1.0)
        self.seen = seen
        first, last = (int(k) for k in seen.run["step"][[0, -1]])
        self.player.span(first, last)
        self.status.say(f"{'Stopped' if token.stopped else 'Done'}: {wanted.label}, {last} steps.")
        done(None if token.stopped else seen)

    def _busy(self, busy: bool) -> None:
        self.bar.layout.visibility = "visible" if busy else "hidden"
