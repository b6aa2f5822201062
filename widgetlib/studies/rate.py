"""Which field of a method is its learning rate."""

from __future__ import annotations

from typing import Any

from widgetlib import catalog
from widgetlib.core.words import AtlasError, Range


def rate_of(slug: str, values: dict[str, Any]) -> tuple[str, Range]:
    """The dotted name of the learning rate (the base's where a wrapper has none) and its range.

    Args:
        slug: the method.
        values: fields that are not at their defaults; a chosen base is looked into.

    Raises:
        AtlasError: the method has no learning rate.
    """
    entry = catalog.entry(slug)
    for field in entry.fields:
        if field.name == "lr":
            return "lr", field.range
    for field in entry.fields:
        if field.kind == "method":
            name, legal = rate_of(values.get(field.name, field.default), {})
            return f"{field.name}.{name}", legal
    raise AtlasError(f"{slug} has no learning rate to tune; give it a study of its own.")
