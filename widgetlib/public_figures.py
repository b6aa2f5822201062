"""`wl.figures`: each figure as an ordinary plotly Figure; plotly is imported when one is first drawn."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "figures"


def __getattr__(name: str) -> Callable[..., Any]:
    if name.startswith("_") or not (_FOLDER / f"{name}.py").exists():
        raise AttributeError(f"there is no figure {name!r}")
    draw = getattr(importlib.import_module(f"widgetlib.figures.{name}"), name)

    def figure(*tables: Any, theme: str = "light", **options: Any) -> Any:
        """A plotly Figure; the sentence that reads it is in `figure.layout.meta["reading"]`."""
        import plotly.graph_objects as go

        from widgetlib.figures.theme import themed

        picture = draw(*tables, **options)
        layout = themed(picture.layout, theme) | {"meta": {"reading": picture.reading}}
        return go.Figure(picture.data, layout)

    return figure
