"""Controls made from the fields that a file declares; no widget code for any method."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from widgetlib import catalog
from widgetlib.catalog import Entry, Field

WIDE = {"width": "auto"}  # handed out as a dict: each widget makes a Layout of its own
NOTCH = 0.02  # decades between two stops of a log slider
STYLE = {"description_width": "4.6em"}


class Controls(w.VBox):
    """One control for each field of an entry, those of a base method included.

    Args:
        entry: whose fields.
        changed: called without arguments when a value changes.
        values: values to begin with, by dotted name; what is missing or does not fit takes the default.
    """

    def __init__(self, entry: Entry, changed: Callable[[], None], values: dict[str, Any] | None = None):
        super().__init__(layout=WIDE)
        self.entry, self._changed = entry, changed
        self._controls: dict[str, w.Widget] = {}
        self._meant: dict[str, float] = {}  # what a log slider was set to; the page moves it to its next stop
        self._inner: dict[str, Controls] = {}
        self._boxes: dict[str, w.VBox] = {}
        values = values or {}
        for field in entry.fields:
            control = _control(field, entry, values.get(field.name, field.default))
            self._controls[field.name] = control
            self._meant[field.name] = control.value
            if field.kind == "method":
                self._boxes[field.name] = w.VBox(layout=w.Layout(margin="0 0 0 1em"))
                self._nest(field.name, values)
                control.observe(lambda change, name=field.name: self._rebase(name), "value")
            else:
                control.observe(lambda change: self._changed(), "value")
        order = [c for f in entry.fields for c in (self._controls[f.name], self._boxes.get(f.name)) if c is not None]
        self.children = order

    def values(self) -> dict[str, Any]:
        """The values by dotted name, as the catalogue's constructors take them."""
        found = {name: self._value(name) for name in self._controls}
        for name, inner in self._inner.items():
            found |= {f"{name}.{n}": v for n, v in inner.values().items()}
        return found

    def find(self, name: str) -> tuple[w.Widget, Field]:
        """The control and the field of a dotted name."""
        head, _, rest = name.partition(".")
        return self._inner[head].find(rest) if rest else (self._controls[head], self.entry.field(head))

    def put(self, name: str, value: float) -> None:
        """Sets the control of a dotted name."""
        head, _, rest = name.partition(".")
        if rest:
            self._inner[head].put(rest, value)
        else:
            self._meant[head] = value
            self._controls[head].value = value

    def _value(self, name: str) -> Any:
        control, field = self._controls[name], self.entry.field(name)
        value, meant = _legal(control.value, field), self._meant[name]
        moved = isinstance(control, w.FloatLogSlider) and abs(math.log10(value / meant)) < 0.51 * NOTCH
        return meant if moved else value

    def names(self) -> list[str]:
        """Dotted names of all fields."""
        return list(self.values())

    def _nest(self, name: str, values: dict[str, Any]) -> None:
        prefix = name + "."
        inner = {n.removeprefix(prefix): v for n, v in values.items() if n.startswith(prefix)}
        self._inner[name] = Controls(catalog.entry(self._controls[name].value), self._changed, inner)
        self._boxes[name].children = [self._inner[name]]

    def _rebase(self, name: str) -> None:
        self._nest(name, {})
        self._changed()


def _control(field: Field, entry: Entry, value: Any) -> w.Widget:
    try:
        value = field.check(value, entry.slug)
    except catalog.AtlasError:  # a link may say anything
        value = field.default
    tooltip = f"{field.name} of {entry.title}"
    common: dict[str, Any] = {"description": _label(field.name), "tooltip": tooltip, "style": STYLE, "layout": WIDE}
    if field.kind == "method":
        names = [
            (e.title, e.slug) for e in catalog.methods() if e.world in catalog.worlds()[entry.world] and not _wraps(e)
        ]
        value = value if value in [slug for _, slug in names] else field.default
        return w.Dropdown(options=names, value=value, **common)
    if field.kind == "choice":
        return w.Dropdown(options=field.choices, value=value, **common)
    if field.kind == "bool":
        return w.Checkbox(value=value, indent=False, **common)
    if field.range is None:
        return (w.IntText if field.kind == "int" else w.FloatText)(value=value, **common)
    low, high = field.range.low, field.range.high
    if field.kind == "int":
        return w.IntSlider(value=value, min=int(low), max=int(high), **common)
    if field.range.log and low > 0:
        ends = {"min": math.log10(low), "max": math.log10(high), "step": NOTCH}
        return w.FloatLogSlider(value=value, base=10, readout_format=".2g", **ends, **common)
    step = field.range.step or 10 ** math.floor(math.log10((high - low) / 100))
    return w.FloatSlider(value=value, min=low, max=high, step=step, readout_format=".4g", **common)


def _label(name: str) -> str:
    """beta1 as β₁: the glossary's Greek letters, readable without typesetting."""
    letters = {"beta": "β", "rho": "ρ", "eps": "ε", "alpha": "α", "gamma": "γ", "mu": "μ", "lambda": "λ", "sigma": "σ"}
    stem = name.rstrip("0123456789")
    digits = name[len(stem) :].translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
    return letters.get(stem, stem.replace("_", " ")) + digits


def _wraps(entry: Entry) -> bool:
    """A wrapper inside a wrapper is legal in code; a menu that recurses for ever is not."""
    return any(f.kind == "method" for f in entry.fields)


def _legal(value: Any, field: Field) -> Any:
    """What a page sent, held inside the range; a slider's own rounding (0.9000000000000001) taken off."""
    if isinstance(value, float):
        value = float(f"{value:.12g}")
    return value if field.range is None else min(max(value, field.range.low), field.range.high)
