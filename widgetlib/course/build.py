"""Builds notebooks from their sources: percent text in `lessons/`, notebooks without outputs in `notebooks/`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from widgetlib.core.words import AtlasError

KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebook(source: Path) -> str:
    """The notebook of one source as text, the same bytes at every build.

    Raises:
        AtlasError: a cell without `lesson_id`, or one that stands twice.
    """
    import jupytext  # slow to import, and needed here alone

    book = jupytext.read(source, fmt="py:percent")
    seen: set[str] = set()
    for number, cell in enumerate(book.cells, 1):
        name = cell.metadata.pop("lesson_id", None)
        if not name:
            raise AtlasError(f'{source.name}: cell {number} has no lesson_id; write `# %% lesson_id="..."`.')
        if name in seen:
            raise AtlasError(f"{source.name}: lesson_id {name!r} stands twice; give each cell its own.")
        seen.add(name)
        cell.id = name
        cell.metadata.pop("lines_to_next_cell", None)
    book.metadata = KERNEL
    book.nbformat, book.nbformat_minor = 4, 5
    return json.dumps(book, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def build(sources: Path, into: Path) -> list[Path]:
    """Builds every `*.py` of a folder; returns the notebooks that were written."""
    into.mkdir(parents=True, exist_ok=True)
    written = []
    for source in sorted(sources.glob("*.py")):
        path = into / f"{source.stem}.ipynb"
        path.write_text(notebook(source), encoding="utf-8")
        written.append(path)
    return written


def stale(sources: Path, built: Path) -> list[str]:
    """Names of notebooks that differ from what their sources build, or have no source."""
    wanted = {f"{s.stem}.ipynb": notebook(s) for s in sorted(sources.glob("*.py"))}
    there: Iterable[Path] = built.glob("*.ipynb")
    extra = [p.name for p in there if p.name not in wanted]
    wrong = [n for n, text in wanted.items() if not (built / n).exists() or (built / n).read_text("utf-8") != text]
    return sorted(extra + wrong)
