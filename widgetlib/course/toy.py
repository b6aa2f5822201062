"""A picture with sliders that needs no run: it answers at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import ipywidgets as w

from widgetlib.core.words import AtlasError
from widgetlib.figures.picture import Picture
from widgetlib.widgets.guarded import StatusLine, guarded
from widgetlib.widgets.live import LiveFigure
from widgetlib.widgets.player import Player


class Slider(NamedTuple):
    """A number that a person moves: its name in words, where it begins, its ends and its stride."""

    label: str
    value: float
    low: float
    high: float
    step: float


class Toy(w.VBox):
    """Pictures side by side, drawn anew while a slider moves, with a player for their cursors.

    Args:
        pictures: functions of the sliders' values, each of which returns a Picture.
        steps: last step that the player reaches; 0 for pictures without a cursor.
        height: of a picture, pixels.
        **sliders: one Slider for each argument of the functions.
    """

    def __init__(
        self, pictures: Sequence[Callable[..., Picture]], *, steps: int = 0, height: int = 290, **sliders: Slider
    ):
        super().__init__()
        self.add_class("atlas-toy")
        self.status, self._pictures = StatusLine(), pictures
        self.sliders = {name: _control(slider) for name, slider in sliders.items()}
        for control in self.sliders.values():
            control.observe(guarded(lambda _: self._draw(), self.status), "value")
        self.figures = [LiveFigure(height=height) for _ in pictures]
        row = w.Box(self.figures)
        row.add_class("atlas-row")
        player = []
        if steps:
            player = [Player(self.figures, self.status)]
            player[0].span(0, steps)
        self.children = [*self.sliders.values(), *player, row, self.status]
        self._draw()

    def values(self) -> dict[str, float]:
        """Where the sliders stand."""
        return {name: control.value for name, control in self.sliders.items()}

    def set(self, **values: float) -> None:
        """Moves sliders by name.

        Raises:
            AtlasError: there is no such slider, or the value lies outside it.
        """
        for name, value in values.items():
            control = self.sliders.get(name)
            if control is None or not control.min <= value <= control.max:
                raise AtlasError(f"no slider of this toy takes {name} = {value!r}; it has {', '.join(self.sliders)}.")
        for name, value in values.items():
            self.sliders[name].value = value

    def _draw(self) -> None:
        for figure, picture in zip(self.figures, self._pictures, strict=True):
            figure.draw(picture(**self.values()))


def _control(slider: Slider) -> Any:
    style, layout = {"description_width": "11em"}, w.Layout(width="auto", max_width="620px")
    ends: dict[str, Any] = {"min": slider.low, "max": slider.high, "step": slider.step, "readout_format": ".3g"}
    return w.FloatSlider(slider.value, description=slider.label, style=style, layout=layout, **ends)
