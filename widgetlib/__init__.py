"""Optimizer Atlas: a method is a discrete dynamical system; run it, measure it, draw it, play with it.

Importing this package imports no torch; the names below load what they need when they are first used.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "method": ("catalog", "method"),
    "problem": ("catalog", "problem"),
    "study": ("catalog", "study"),
    "run": ("engine.run", "run"),
    "sweep": ("engine.run", "sweep"),
    "card": ("dashboards.card", "card"),
    "compare": ("dashboards.compare", "compare"),
    "Table": ("core.table", "Table"),
    "AtlasError": ("core.words", "AtlasError"),
}
_SPACES = ("measure", "figures")

__all__ = [*_HOMES, *_SPACES, "load", "methods", "papers", "problems", "studies"]


def methods() -> Any:
    """Table of all methods: slug, title, family, world, paper, year."""
    from widgetlib import catalog

    return catalog.table(catalog.methods())


def problems() -> Any:
    """Table of all problems."""
    from widgetlib import catalog

    return catalog.table(catalog.problems())


def studies() -> Any:
    """Table of all studies."""
    from widgetlib import catalog

    return catalog.table(catalog.studies())


def papers() -> Any:
    """Table of every paper that a method or study names, with the verdict on its claim."""
    from widgetlib import catalog
    from widgetlib.core.table import Table
    from widgetlib.studies import verdicts

    found = [e for e in (*catalog.methods(), *catalog.studies()) if e.paper]
    table = catalog.table(found)
    columns = {**table.columns, "verdict": ([verdicts.word(e.slug) for e in found], ("entry",))}
    return Table(columns, table.attrs)


def load(path: Any) -> Any:
    """Opens a run that `Trace.save` wrote, identical to what was saved."""
    from widgetlib import catalog
    from widgetlib.core import record

    return record.load(path, catalog.method, catalog.problem)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        module, attribute = _HOMES[name]
        return getattr(importlib.import_module(f"widgetlib.{module}"), attribute)
    if name in _SPACES:
        return getattr(importlib.import_module("widgetlib.public"), name)
    raise AttributeError(f"module 'widgetlib' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


class _Package(ModuleType):
    """Keeps `wl.measure` the space and `wl.methods` the function: importing a folder would set it in their place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in __all__ or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
