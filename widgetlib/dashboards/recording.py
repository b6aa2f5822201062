"""Records what the card of a method opens on: the card itself is run, and what it shows is kept."""

from __future__ import annotations

from pathlib import Path

from widgetlib.core.words import AtlasError
from widgetlib.dashboards.card import Card
from widgetlib.studies.verdicts import RECORDS
from widgetlib.widgets.record import save


def record(slug: str, root: Path = RECORDS) -> list[Path]:
    """Runs the card of `slug` on its opening problem at the rate that it finds; returns the files written.

    Raises:
        AtlasError: an unknown slug, or the card did not come to an end.
    """
    card = Card(slug, steps=500)  # a choice: an older record must not be recorded again
    if not card.worker.wait(600) or card.asked is None or not card.experiment.drawn:
        raise AtlasError(f"the card of {slug} did not come to its end: {card.status.value}")
    return save(card.experiment, card.asked, root / slug)
