"""The front page: one card a method, rendered from the catalogue without a kernel and without torch."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Sequence
from math import sqrt
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from widgetlib.figures.theme import colour

HERE = Path(__file__).parent
MOMENTUM = ("beta", "beta1", "momentum")


def lessons(folder: Path) -> list[tuple[str, str]]:
    """Title and file name of the lessons of a folder: the numbered notebooks, by their first heading."""
    found = []
    for path in sorted(folder.glob("[0-9]*_*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        lines = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown").splitlines()
        title = next((line.removeprefix("# ") for line in lines if line.startswith("# ")), words(path.stem))
        found.append((title, path.name))
    return found


def page(entries: Sequence[Any], root: str = "", lessons: Sequence[tuple[str, str]] = ()) -> str:
    """The gallery as one HTML page that asks for nothing else.

    Args:
        entries: the methods, with the attributes of `catalog.Entry`: slug, title, family, world, idea, paper
            (a dict of title and year, may be empty) and fields.
        lessons: title and file name of each lesson.
        root: address of the server's root, ending in a slash, or empty for links relative to the page.

    Returns:
        The page; its search, its filters and its theme need no server.
    """
    known = {entry.slug: entry for entry in entries}
    cards = [
        {
            "entry": entry,
            "link": f"{root}voila/render/card.ipynb?method={quote(entry.slug)}",
            "family": words(entry.family),
            "world": words(entry.world),
            "mark": mark(entry, known),
            "text": " ".join(map(str, (entry.slug, entry.title, entry.idea, *entry.paper.values()))).lower(),
        }
        for entry in entries
    ]
    return _template().render(
        root=root,
        cards=cards,
        lessons=lessons,
        families=_unique(card["family"] for card in cards),
        worlds=_unique(card["world"] for card in cards),
        css=Markup((HERE / "gallery.css").read_text(encoding="utf-8")),
        js=Markup((HERE / "gallery.js").read_text(encoding="utf-8")),
    )


def words(slug: str) -> str:
    """A slug as words: `first_order` reads "first order"."""
    return slug.replace("_", " ")


def mark(entry: Any, known: dict[str, Any]) -> Markup:
    r"""The mark of a method, an SVG: the unit circle and the way on which its momentum leaves it.

    For a step with momentum $\beta$ on a quadratic the two multipliers obey $z^2 - (1 + \beta - a) z + \beta = 0$.
    As a = lr * curvature grows, they leave 1 and $\beta$, meet, run around the circle of radius
    $\sqrt\beta$, meet again, and one leaves the unit circle through -1. Without momentum it is a straight way.

    Args:
        entry: the method.
        known: all methods by slug, to look up the base of a wrapper.

    Returns:
        The SVG, in the method's own colour; the circle alone for worlds in which nothing is minimised.
    """
    shade = colour(entry.slug)
    way = _way(momentum(entry, known)) if entry.world == "minimize" else ""
    exit_ = f'<circle cx="-40" r="5.5" fill="{shade}"/>' if way else ""
    ring = "currentColor" if way else shade
    return Markup(  # no text from outside enters: colours come from the palette, the way from numbers
        '<svg class="mark" viewBox="-50 -50 100 100" aria-hidden="true">'
        '<path class="cross" d="M-48 0H48M0 -48V48"/>'
        f'<circle class="unit" r="40" stroke="{ring}"/>'
        f'<path class="way" d="{way}" stroke="{shade}"/>{exit_}</svg>'
    )


def momentum(entry: Any, known: dict[str, Any]) -> float:
    """The default momentum of a method, or of the base of a wrapper; 0 where it has none."""
    for field in entry.fields:
        if field.name in MOMENTUM and isinstance(field.default, float) and 0 < field.default < 1:
            return field.default
        if field.kind == "method" and field.default in known and field.default != entry.slug:
            return momentum(known[field.default], known)
    return 0.0


def _way(beta: float) -> str:
    """The path of both multipliers from no step to the edge; a radius r is drawn as 40 r^4, to part 0.95 from 1."""
    if not beta:
        return "M40 0H-40"
    radius = 40 * sqrt(beta) ** 4
    circle = f"A{radius:.2f} {radius:.2f} 0 0"
    return f"M40 0H{radius:.2f}{circle} 1 {-radius:.2f} 0{circle} 1 {radius:.2f} 0M{-radius:.2f} 0H-40"


def _unique(values: Iterable[str]) -> list[str]:
    return sorted(set(values))


@functools.cache
def _template() -> jinja2.Template:
    """The page's template, with every text escaped."""
    loader = jinja2.FileSystemLoader(HERE)
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template(
        "gallery.html.j2"
    )
