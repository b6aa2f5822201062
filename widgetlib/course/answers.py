"""The answers of one student to one lesson: a small JSON document, beside the notebook or a download."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from widgetlib.core.words import AtlasError

VERSION = 1


class Answers:
    """Every prediction with what was measured, in the order in which they were given.

    Args:
        lesson: slug of the lesson; the file is `answers/<lesson>.json`.
        student: who answers, or empty.
        folder: where `answers/` lies; None keeps the document in memory, for a page that visitors share.

    Attributes:
        document: plain JSON: version, lesson, student, and `predictions`: by question a list of
            `{"at", "answer", "measured", "right"}`, the last two None until the run has ended.
        watchers: called without arguments after each change.

    Raises:
        AtlasError: the file is there and holds something else.
    """

    def __init__(self, lesson: str, student: str = "", folder: Path | None = None):
        self.path = folder / "answers" / f"{lesson}.json" if folder else None
        self.watchers: list[Callable[[], None]] = []
        self.document: dict[str, Any] = {"version": VERSION, "lesson": lesson, "predictions": {}}
        if self.path and self.path.exists():
            self.document = self._read(lesson)
        self.document["student"] = student or self.document.get("student", "")

    def of(self, question: str) -> list[dict[str, Any]]:
        """All answers to one question, oldest first."""
        return self.document["predictions"].get(question, [])

    def give(self, question: str, answer: str | float) -> None:
        """Adds an answer, before its run."""
        entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "answer": answer}
        self.document["predictions"].setdefault(question, []).append(entry | {"measured": None, "right": None})
        self._changed()

    def settle(self, question: str, measured: float, right: bool) -> None:
        """Adds to the last answer what was measured."""
        value = measured if math.isfinite(measured) else None  # JSON knows no infinity
        self.of(question)[-1] |= {"measured": value, "right": right}
        self._changed()

    def text(self) -> str:
        """The document as text."""
        return json.dumps(self.document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"

    def _changed(self) -> None:
        if self.path:
            self._write(self.path)
        for watcher in self.watchers:
            watcher()

    def _write(self, path: Path) -> None:
        """Under another name first: a notebook that is closed at this moment leaves the old answers whole."""
        path.parent.mkdir(exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(self.text())
            os.replace(draft, path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise

    def _read(self, lesson: str) -> dict[str, Any]:
        """The document of the file, refused where it is not ours: nobody's answers are written over."""
        refusal = f"{self.path} does not hold answers to {lesson}; move it away, and open the lesson again."
        try:
            document = json.loads(self.path.read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            raise AtlasError(refusal) from error
        given = document.get("predictions") if isinstance(document, dict) else None
        ours = isinstance(given, dict) and all(
            isinstance(entries, list)
            and all(isinstance(e, dict) and {"answer", "measured", "right"} <= e.keys() for e in entries)
            for entries in given.values()
        )
        if not ours or (document.get("version"), document.get("lesson")) != (VERSION, lesson):
            raise AtlasError(refusal)
        return document
