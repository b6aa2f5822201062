"""`wl.measure` and `wl.figures`: one name for each file of the two folders, found when it is first asked for."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from widgetlib.core.words import nearest


class _Space:
    """The functions of a folder: `space.name` is the function `name` of the file `name.py`."""

    def __init__(self, folder: str):
        self._folder = folder

    def __dir__(self) -> list[str]:
        return [p.stem for p in (Path(__file__).parent / self._folder).glob("[!_]*.py")]

    def __getattr__(self, name: str) -> Any:
        file = "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")
        if file not in dir(self):
            raise AttributeError(f"there is no {self._folder} {name!r}; {nearest(file, dir(self))}")
        return self._wrap(getattr(importlib.import_module(f"widgetlib.{self._folder}.{file}"), name))

    def _wrap(self, found: Any) -> Any:
        return found


class _Figures(_Space):
    """Figures as ordinary plotly Figures; plotly is imported when the first one is drawn."""

    def _wrap(self, found: Any) -> Any:
        def figure(*tables: Any, theme: str = "light", **options: Any) -> Any:
            import plotly.graph_objects as go

            from widgetlib.figures.theme import themed

            picture = found(*tables, **options)
            return go.Figure(picture.data, themed(picture.layout, theme) | {"meta": {"reading": picture.reading}})

        figure.__doc__ = f"{found.__doc__}\n\nReturns a plotly Figure; its sentence is `layout.meta['reading']`."
        return figure


measure = _Space("measure")
figures = _Figures("figures")
