"""Verdicts as they came out, kept beside the records of the methods."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from widgetlib.core.words import Verdict

RECORDS = Path(__file__).parents[1] / "records"


def keep(slug: str, claim: str, verdict: Verdict, root: Path = RECORDS) -> Path:
    """Writes the verdict on a claim; the file appears whole or not at all."""
    path = root / slug / "verdict.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    found = {"claim": claim} | {n: v.item() if isinstance(v, np.generic) else v for n, v in verdict._asdict().items()}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)
    return path


def kept(slug: str, root: Path = RECORDS) -> dict[str, Any] | None:
    """Claim, value, interval, bound, holds and sentence; None where the claim was not run yet."""
    path = root / slug / "verdict.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def word(slug: str, root: Path = RECORDS) -> str:
    """`holds`, `does not hold here`, or nothing where the claim was not run yet."""
    found = kept(slug, root)
    return "" if found is None else "holds" if found["holds"] else "does not hold here"
