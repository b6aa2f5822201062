"""Skeletons of new files, taken from CONTRIBUTING.md: its blocks are the only source."""

from __future__ import annotations

import re
import sysconfig
from pathlib import Path

from widgetlib import catalog
from widgetlib.core.words import AtlasError

PACKAGE = Path(__file__).parent
GUIDES = (PACKAGE.parent, Path(sysconfig.get_path("data")) / "share" / "optimizer-atlas")
FOLDERS = {"method": ("methods", "first_order"), "problem": ("problems", "minimize")}


def write(kind: str, slug: str, family: str | None = None, into: str | None = None) -> Path:
    """Writes the skeleton of CONTRIBUTING.md under a new name and returns the file.

    Args:
        kind: `method` or `problem`.
        slug: the new name.
        family: its folder: the family of a method, the world of a problem; None for the usual one.
        into: a folder of one's own instead of the package.

    Raises:
        AtlasError: a name that cannot be a file's or is taken, or no place to write to.
    """
    folder, usual = FOLDERS[kind]
    family = family or usual
    for name in (slug, family):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise AtlasError(f"{name!r} cannot be the name of a file; use small letters, digits and underscores.")
    known = {e.slug: e.path for e in (catalog.methods() if kind == "method" else catalog.problems())}
    if slug in known:
        raise AtlasError(f"there is a {kind} {slug!r} already, in {known[slug]}; choose another name.")
    if into is None and not (PACKAGE.parent / "pyproject.toml").exists():
        raise AtlasError("this is no clone of the project; give --into FOLDER, a folder of your own.")
    root = PACKAGE if into is None else Path(into).resolve()
    path = root / folder / family / f"{slug}.py"
    if path.exists():
        raise AtlasError(f"{path} exists already; choose another name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    if root == PACKAGE:  # without it the import linter would not see the file
        (path.parent / "__init__.py").touch()
    path.write_text(skeleton(kind, slug, family), encoding="utf-8")
    return path


def skeleton(kind: str, slug: str, family: str) -> str:
    """The block of CONTRIBUTING.md marked `python <kind>`, renamed.

    Args:
        kind: `method` or `problem` (`measure` and `figure` have a block too).
        slug: the new name, which takes the place of `my_<kind>` and its spellings.
        family: takes the place of the family in the block.

    Raises:
        AtlasError: CONTRIBUTING.md is not there.
    """
    guide = next((folder / "CONTRIBUTING.md" for folder in GUIDES if (folder / "CONTRIBUTING.md").exists()), None)
    if guide is None:
        raise AtlasError("CONTRIBUTING.md, which holds the skeletons, is missing; install the project again.")
    text = re.search(rf"^```python {kind}\n(.*?)^```", guide.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[1]
    words = slug.split("_")
    text = text.replace(f"My{kind.capitalize()}", "".join(w.capitalize() for w in words))
    text = text.replace(f"My {kind}", " ".join(words).capitalize())
    return text.replace('family = "first_order"', f'family = "{family}"')
