"""Builds notebooks from their sources: percent text in `lessons/`, notebooks without outputs in `notebooks/`.

One source holds both editions. Between two comment lines `### BEGIN SOLUTION` and `### END SOLUTION` stands what
a student writes; tags of a cell say the rest: `solution` (the solution notebook alone), `hidden` (the same, for
what nobody should look at), `check`, `voila-hide` (readers of the notebook alone). What the head of a source says
under `atlas` becomes metadata of the notebook, for the page that it is served as.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from widgetlib.core.words import AtlasError

KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "...  # your code here"


def notebook(source: Path, solutions: bool = False) -> str:
    """The notebook of one source as text, the same bytes at every build.

    Args:
        source: a percent file.
        solutions: the teacher's edition; else solutions are replaced by a stub, and cells that are nothing but
            a solution, or hidden, are left out.

    Raises:
        AtlasError: a cell without `lesson_id`, or one that stands twice, or a solution that does not end.
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
    book.cells = [cell for cell in book.cells if solutions or not _left_out(cell)]
    for cell in book.cells:
        cell.source = _edition(cell.source, solutions, f"{source.name}: cell {cell.id!r}")
    book.metadata = KERNEL | {k: v for k, v in book.metadata.items() if k == "atlas"}
    book.nbformat, book.nbformat_minor = 4, 5
    return json.dumps(book, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def build(sources: Path, into: Path, solutions: bool = False) -> list[Path]:
    """Builds every `*.py` of a folder; returns the notebooks that were written.

    Args:
        sources: the folder of sources.
        into: the folder of notebooks; it is made where it is missing.
        solutions: the teacher's edition, of those sources alone that have one of their own.
    """
    into.mkdir(parents=True, exist_ok=True)
    written = []
    for source in sorted(sources.glob("*.py")):
        text = notebook(source, solutions)
        if solutions and text == notebook(source):
            continue
        path = into / f"{source.stem}.ipynb"
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def stale(sources: Path, built: Path) -> list[str]:
    """Names of notebooks that differ from what their sources build, or have no source."""
    wanted = {f"{s.stem}.ipynb": notebook(s) for s in sorted(sources.glob("*.py"))}
    there: Iterable[Path] = built.glob("*.ipynb")
    extra = [p.name for p in there if p.name not in wanted]
    wrong = [n for n, text in wanted.items() if not (built / n).exists() or (built / n).read_text("utf-8") != text]
    return sorted(extra + wrong)


def _left_out(cell: Any) -> bool:
    """Whether the student's edition goes without this cell."""
    tags = cell.metadata.get("tags", [])
    return "hidden" in tags or ("solution" in tags and BEGIN not in cell.source)


def _edition(text: str, solutions: bool, where: str) -> str:
    """The text of a cell without its markers, and with a stub in place of each solution for a student."""
    kept: list[str] = []
    inside = False
    for line in text.split("\n"):
        if (mark := line.strip()) in (BEGIN, END):
            if inside == (mark == BEGIN):
                raise AtlasError(f"{where} has {mark!r} out of turn; each solution begins and ends once.")
            inside = not inside
            if inside and not solutions:
                kept.append(line.replace(BEGIN, STUB))
        elif solutions or not inside:
            kept.append(line)
    if inside:
        raise AtlasError(f"{where} has a solution without an end; write {END!r} below it.")
    return "\n".join(kept)
