"""One visual identity: a fixed colour for each method, one scale for the loss, a light and a dark page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

from widgetlib.core.words import AtlasError, nearest

# Okabe and Ito's hues, moved by a search until every colour has a contrast of at least 3:1 on white and on
# #111, and every pair (the neutral too) stays apart under protanopia, deuteranopia and tritanopia.
PALETTE = ("#b76cb5", "#ff5d00", "#4059cb", "#a7431c", "#8806ff", "#2da863")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
NEUTRAL = "#808080"
"""Limits, circles and whatever belongs to no method: visible on both pages."""
SCALE = "Cividis"
"""Perceptually uniform and safe for colour-blind eyes: the loss, dark where it is low."""

THEMES: dict[str, dict[str, Any]] = {
    name: {
        "paper_bgcolor": page,
        "plot_bgcolor": page,
        "font": {"color": ink},
        "axis": {"gridcolor": grid, "zerolinecolor": grid, "linecolor": rule, "tickcolor": rule},
    }
    for name, page, ink, grid, rule in (
        ("light", "#ffffff", "#1a1a1a", "#e3e3e3", "#767676"),
        ("dark", "#111111", "#ececec", "#333333", "#8a8a8a"),
    )
}
"""What a page lays over a layout; `axis` goes to each axis, also to those of a 3-D scene."""


def colour(slug: str) -> str:
    """The one colour of a method: a hash of its slug, so that no list of methods is needed.

    Args:
        slug: the method's slug.

    Returns:
        One of `PALETTE`, as `#rrggbb`.
    """
    return PALETTE[crc32(slug.encode()) % len(PALETTE)]


def dash(slug: str) -> str:
    """A plotly dash from a second hash of the slug: tells apart two methods that share a colour.

    Args:
        slug: the method's slug.

    Returns:
        One of `DASHES`.
    """
    return DASHES[crc32(slug[::-1].encode()) // len(PALETTE) % len(DASHES)]


def fade(hexadecimal: str, opacity: float) -> str:
    """The colour `#rrggbb` with an opacity between 0 and 1, as plotly writes it."""
    red, green, blue = bytes.fromhex(hexadecimal.removeprefix("#"))
    return f"rgba({red},{green},{blue},{opacity:g})"


def themed(layout: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A new layout with the colours of a page; what the figure itself has set stays.

    Args:
        layout: plotly layout of a `Picture`.
        name: `"light"` or `"dark"`.

    Returns:
        The layout with background, font and, on every axis, grid and line colours.

    Raises:
        AtlasError: there is no such theme.
    """
    if name not in THEMES:
        raise AtlasError(f"no theme {name!r}; {nearest(name, THEMES)}")
    theme = THEMES[name]
    axis = theme["axis"]
    new = {**layout, **{key: theme[key] for key in ("paper_bgcolor", "plot_bgcolor")}}
    new["font"] = {**theme["font"], **layout.get("font", {})}
    for key, value in layout.items():
        if key.startswith(("xaxis", "yaxis")):
            new[key] = {**axis, **value}
        elif key.startswith("scene"):
            three = {k: {**axis, **value.get(k, {})} for k in ("xaxis", "yaxis", "zaxis")}
            new[key] = {"bgcolor": theme["paper_bgcolor"], **value, **three}
    return new
