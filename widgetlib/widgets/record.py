"""What a card opens on: the tables of a run that was recorded, as package data; drawn without torch."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError, View
from widgetlib.studies.verdicts import RECORDS
from widgetlib.widgets.experiment import Drawn, Experiment, Settings

GOLDEN = 50  # steps that every machine repeats; later ones are decided by rounding at the edge of stability
VERSION = 1


class Record(NamedTuple):
    """A recorded run as a card shows it.

    Attributes:
        settings: what was run.
        views, drawn: what each place of the card shows, and from which tables.
        steps: first and last step.
        words: the status line.
    """

    settings: Settings
    views: dict[str, View]
    drawn: dict[str, Drawn]
    steps: tuple[int, int]
    words: str


def save(experiment: Experiment, settings: Settings, folder: Path) -> list[Path]:
    """Writes what `experiment` shows, and the golden first steps of its run; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    trace, files, views = experiment.trace, {}, {}
    for name, (tables, options) in experiment.drawn.items():
        names = [None if t is None else f"{name}-{i}" for i, t in enumerate(tables)]
        files |= {n: t for n, t in zip(names, tables, strict=True) if n}
        views[name] = {"view": experiment.views[name], "tables": names, "options": options}
    golden = trace.table().take(step=slice(0, GOLDEN + 1))
    card = {
        "version": VERSION, "settings": dataclasses.asdict(settings), "views": views,
        "steps": [int(trace.steps[0]), int(trace.steps[-1])],
    }  # fmt: skip
    paths = [golden.save(folder / "golden.npz")]
    paths += [_single(table).save(folder / f"{name}.npz") for name, table in files.items()]
    path = folder / "card.json"
    path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return [path, *paths]


def load(slug: str, root: Path = RECORDS) -> Record | None:
    """The record of a method; None where there is none.

    Raises:
        AtlasError: the record is truncated or of another version.
    """
    path = root / slug / "card.json"
    if not path.exists():
        return None
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        if card.get("version") != VERSION:
            raise AtlasError(
                f"the record of {slug} is of version {card.get('version')!r}, this is version {VERSION}; "
                f"make it again: python -m widgetlib record {slug}"
            )
        views = {name: View(*v["view"]) for name, v in card["views"].items()}
        drawn = {
            name: Drawn(tuple(n and Table.load(path.with_name(f"{n}.npz")) for n in v["tables"]), v["options"])
            for name, v in card["views"].items()
        }
        first, last = card["steps"]
        settings = Settings(**card["settings"])
    except (KeyError, TypeError, ValueError) as problem:
        if isinstance(problem, AtlasError):
            raise
        raise AtlasError(f"the record of {slug} is damaged; make it again: python -m widgetlib record {slug}") from None
    return Record(settings, views, drawn, (first, last), "A recorded run; move a slider and it becomes live.")


def _single(table: Table) -> Table:
    """The table in single precision where that loses nothing that a picture shows."""

    def packed(values: np.ndarray) -> np.ndarray:
        if values.dtype == np.complex128:
            return values.astype(np.complex64)
        if values.dtype != np.float64:
            return values
        with np.errstate(over="ignore", under="ignore"):
            small = values.astype(np.float32)
        lost = (np.isfinite(values) & ~np.isfinite(small)) | ((values != 0) & (small == 0))
        return values if lost.any() else small

    return Table({n: (packed(c.values), *c[1:]) for n, c in table.columns.items()}, table.attrs)
