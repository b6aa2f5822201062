"""Small parts that every dashboard places."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as w

from widgetlib.widgets.address import Address
from widgetlib.widgets.guarded import StatusLine, guarded
from widgetlib.widgets.live import LiveFigure

PAGE = ("theme", "template", "title")
"""Names of an address that are the page's own."""


def heading(text: str) -> w.HTML:
    """A heading of the second order."""
    return w.HTML(f"<h2>{text}</h2>", layout=w.Layout(margin="0"))


def boxed(name: str, widget: w.DOMWidget) -> w.DOMWidget:
    """The widget, with a class for the style sheet."""
    widget.add_class(name)
    return widget


def button(text: str, act: Callable[[], None], tooltip: str, status: StatusLine) -> w.Button:
    """A button; an error of `act` becomes a sentence on the status line."""
    made = w.Button(description=text, tooltip=tooltip, layout=w.Layout(width="auto"))
    made.on_click(guarded(lambda _: act(), status))
    return made


def greet(root: w.Box, address: Address) -> None:
    """Tells a page that has just opened the state of all controls again.

    What a worker changed after the kernel had told the page its state, and before the page could listen, is lost.
    (A LiveFigure sees to itself.)
    """

    def tell(widget: w.Widget) -> None:
        widget.send_state()
        if isinstance(widget, w.DOMWidget):
            widget.layout.send_state()
        for child in getattr(widget, "children", ()):
            if not isinstance(child, (LiveFigure, Address)):
                tell(child)

    address.observe(lambda _: tell(root), "query")


def style(*sheets: Path) -> w.HTML:
    """Style sheets for the page; it takes no room."""
    text = "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    return w.HTML(f"<style>{text}</style>", layout=w.Layout(display="none"))


def typed(query: dict[str, str]) -> dict[str, Any]:
    """Numbers of an address as numbers; what the page itself adds (its theme) is left out."""
    found: dict[str, Any] = {}
    for name, text in query.items():
        if name not in PAGE:
            try:
                found[name] = float(text)
            except ValueError:
                found[name] = text
    return found
