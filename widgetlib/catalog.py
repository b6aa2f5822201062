"""The catalogue: finds methods, problems and studies by scanning folders, and describes them unimported.

A file is read with `ast`, so that a gallery of hundreds of methods opens without torch. The slug is the
file's name. Folders named in the environment variable WIDGETLIB_PATH are scanned beside the package's own.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from widgetlib.core.entry import Entry, Field, read, snake
from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError, nearest

__all__ = [
    "Entry",
    "Field",
    "entry",
    "fitting",
    "method",
    "methods",
    "problem",
    "problems",
    "studies",
    "study",
    "table",
    "worlds",
]

PACKAGE = Path(__file__).parent


def methods() -> list[Entry]:
    """All methods, by family and slug."""
    return _scan("methods")


def problems() -> list[Entry]:
    """All problems, by world and slug."""
    return _scan("problems")


def studies() -> list[Entry]:
    """All studies, by family and slug."""
    return _scan("studies")


def entry(slug: str, kind: str = "method") -> Entry:
    """The entry of that slug; AtlasError with the nearest names where there is none."""
    found = {e.slug: e for e in _scan({"method": "methods", "problem": "problems", "study": "studies"}[kind])}
    if slug not in found:
        raise AtlasError(f"there is no {kind} {slug!r}; {nearest(slug, found)}")
    return found[slug]


def fitting(method: Entry) -> list[Entry]:
    """The problems that offer the oracle that `method` asks for."""
    return [p for p in problems() if method.world in worlds()[p.world]]


@cache
def worlds() -> dict[str, tuple[str, ...]]:
    """Each world with those that it offers too, read from the oracle classes in core: a FiniteSum is a Minimize."""
    parents: dict[str, str] = {}
    for path in sorted((PACKAGE / "core").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.bases:
                parents[snake(node.name)] = snake(ast.unparse(node.bases[0]))
    found: dict[str, tuple[str, ...]] = {}
    for world in parents:
        chain = [world]
        while chain[-1] in parents:
            chain.append(parents[chain[-1]])
        if chain[-1] == "oracle" and len(chain) > 1:
            found[world] = tuple(chain[:-1])
    return found


def method(slug: str, **values: Any) -> Any:
    """A method by slug, validated: `method("sam", base="adam", **{"base.lr": 1e-3})`.

    Raises:
        AtlasError: unknown slug or hyperparameter, a value out of range or of the wrong kind.
    """
    return _make(entry(slug), values)


def problem(slug: str, **values: Any) -> Any:
    """A problem by slug, validated as `method` is."""
    return _make(entry(slug, "problem"), values)


def study(slug: str, **values: Any) -> Any:
    """A study by slug, validated as `method` is."""
    return _make(entry(slug, "study"), values)


def table(entries: list[Entry]) -> Table:
    """The entries as a Table over `entry`: slug, title, family, world, paper, year."""
    columns = {
        "slug": [e.slug for e in entries],
        "title": [e.title for e in entries],
        "family": [e.family for e in entries],
        "world": [e.world for e in entries],
        "paper": [e.paper.get("title", "") for e in entries],
        "year": [e.paper.get("year", 0) for e in entries],
    }
    return Table({n: (np.array(v), ("entry",)) for n, v in columns.items()})


def load_class(found: Entry) -> type:
    """Imports the file of an entry (and with it torch) and returns its class."""
    if found.path.is_relative_to(PACKAGE):
        name = ".".join(("widgetlib", *found.path.relative_to(PACKAGE).with_suffix("").parts))
        module = importlib.import_module(name)
    else:
        name = f"widgetlib_extra.{found.kind}.{found.slug}"
        module = _load_outside(name, str(found.path), found.path.stat().st_mtime_ns)
    return getattr(module, found.class_name)


@cache
def _load_outside(name: str, path: str, changed: int) -> Any:
    """A module outside the package, imported anew when the file changes."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _make(found: Entry, values: dict[str, Any]) -> Any:
    own = {n: v for n, v in values.items() if "." not in n}
    names = [f.name for f in found.fields]
    for name in (*own, *(n.partition(".")[0] for n in values)):
        if name not in names:
            raise AtlasError(f"{found.slug} has no field {name!r}; {nearest(name, names)}")
    for field in found.fields:
        if field.kind == "method":
            inner = {n.partition(".")[2]: v for n, v in values.items() if n.startswith(field.name + ".")}
            base = own.get(field.name, field.default)
            if not isinstance(base, str) and not hasattr(base, "step"):
                raise AtlasError(f"{field.name} = {base!r} is no method; give a slug such as {field.default!r}.")
            own[field.name] = method(base, **inner) if isinstance(base, str) else base
        elif field.name in own:
            own[field.name] = field.check(own[field.name], found.slug)
    for name in values:
        if "." in name and found.field(name.partition(".")[0]).kind != "method":
            raise AtlasError(f"{name!r} names a field inside {name.partition('.')[0]!r}, which is no method.")
    return load_class(found)(**own)


def _roots() -> list[Path]:
    extra = os.environ.get("WIDGETLIB_PATH", "")
    return [PACKAGE, *(Path(p) for p in extra.split(os.pathsep) if p)]


def _scan(folder: str) -> list[Entry]:
    found: dict[str, Entry] = {}
    for root in _roots():
        for path in sorted((root / folder).glob("*/[!_]*.py")):
            parsed = read(path, path.stat().st_mtime_ns)
            if parsed and parsed.slug in found:
                raise AtlasError(f"two files are named {path.name}: {found[parsed.slug].path} and {path}; rename one.")
            if parsed:
                found[parsed.slug] = parsed
    return sorted(found.values(), key=lambda e: (e.family, e.slug))
