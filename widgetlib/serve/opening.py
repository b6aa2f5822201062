"""What a page shows while its kernel starts: the recorded run of a card, as data and the code that draws it."""

from __future__ import annotations

import base64
import functools
import json
from typing import Any

from tornado.web import HTTPError, authenticated
from voila.handler import BaseVoilaHandler

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.dashboards import card
from widgetlib.figures.theme import THEMES
from widgetlib.widgets import live, record
from widgetlib.widgets.experiment import Experiment

FILES = {path.name: path for path in (live.HERE / "live.js", live.HERE / "live.css", card.CSS)}
TYPES = {"js": "text/javascript", "css": "text/css"}
PLOTLY = live.bundle_name().removesuffix(".gz")


class OpeningHandler(BaseVoilaHandler):
    """Answers with the recorded run of a method as JSON, or with nothing (204) where there is none."""

    @authenticated
    def get(self, slug: str) -> None:
        """The record of `slug`, of the first method of the catalogue where it is empty."""
        slug = slug or catalog.methods()[0].slug
        try:
            text = opening(slug)
        except AtlasError:  # unknown or damaged: the card itself will say so
            text = None
        if text is None:
            self.set_status(204)
            return
        self.set_header("Content-Type", "application/json")
        self.finish(text)


class FileHandler(BaseVoilaHandler):
    """Answers with a script or a style sheet that the opening shares with the widgets, or with plotly.js.

    As a plain script plotly.js is compiled while it arrives, and browsers keep what they compiled.
    """

    @authenticated
    def get(self, name: str) -> None:
        """The file of that name."""
        if name == PLOTLY:
            self.set_header("Content-Encoding", "gzip")
            self.set_header("Cache-Control", "max-age=31536000, immutable")  # its name carries its version
        elif name not in FILES:
            raise HTTPError(404)
        self.set_header("Content-Type", TYPES[name.rpartition(".")[2]])
        self.finish(live.bundle() if name == PLOTLY else FILES[name].read_bytes())


@functools.cache
def opening(slug: str) -> str | None:
    """What the card of a method opens on, as JSON: headings, pictures packed for the page, first and last step.

    Returns:
        None where there is no record.

    Raises:
        AtlasError: the method is unknown, or its record damaged.
    """
    entry, found = catalog.entry(slug), record.load(slug)
    if found is None:
        return None
    views: list[dict[str, Any]] = []

    def show(_name: str, heading: str, picture: Any) -> None:
        spec, arrays = live.pack(picture)
        views.append({"heading": heading, "spec": spec, "arrays": base64.b64encode(arrays).decode()})

    Experiment(show, lambda _: None, lambda _: None, lambda *_: None).replay(found.views, found.drawn, *found.steps)
    return json.dumps({
        "head": card.headline(entry), "note": card.notes(entry), "views": views, "steps": found.steps,
        "themes": THEMES, "script": live.bundle_name(), "height": card.HEIGHT,
    })  # fmt: skip
