"""The catalogue: finds methods, problems and studies by scanning folders, and describes them unimported.

A file is read with `ast`, so that a gallery of hundreds of methods opens without torch. The slug is the
file's name. Folders named in the environment variable WIDGETLIB_PATH are scanned beside the package's own.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import math
import os
import sys
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError, Base, Claim, Range, Start, nearest

PACKAGE = Path(__file__).parent
WORDS = {"Range": Range, "Base": Base, "Start": Start, "Claim": Claim, "dict": dict, "tuple": tuple, "frozenset": frozenset}


@dataclass(frozen=True)
class Field:
    """One hyperparameter or setting as its file declares it.

    Attributes:
        kind: `float`, `int`, `bool`, `choice` or `method`.
        default: the default value; for a method, the slug of the base.
        range: legal interval of a number.
        choices: values of a `choice`.
    """

    name: str
    kind: str
    default: Any
    range: Range | None = None
    choices: tuple = ()

    def check(self, value: Any, owner: str) -> Any:
        """The value as this field takes it; AtlasError where it does not fit."""
        if hasattr(value, "shape"):  # a tensor of a sweep or a record: the engine's own
            return value
        if self.kind == "choice" and value not in self.choices:
            choices = ", ".join(map(repr, self.choices))
            raise AtlasError(f"{self.name} = {value!r} is not a choice of {owner}; use one of {choices}.")
        if self.kind == "bool" and not isinstance(value, bool):
            raise AtlasError(f"{self.name} = {value!r} of {owner} must be True or False.")
        if self.kind not in ("float", "int"):
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or math.isnan(value):
            raise AtlasError(f"{self.name} = {value!r} of {owner} is not a number; give {self._legal()}.")
        if self.kind == "int" and value != int(value):
            raise AtlasError(f"{self.name} = {value!r} of {owner} must be a whole number; give {self._legal()}.")
        if self.range and value not in self.range:
            raise AtlasError(f"{self.name} = {value:g} is outside the range of {owner}; give {self._legal()}.")
        return int(value) if self.kind == "int" else float(value)

    def _legal(self) -> str:
        return f"a value from {self.range.low:g} to {self.range.high:g}" if self.range else f"a {self.kind}"


@dataclass(frozen=True)
class Entry:
    """What a file says of its method, problem or study, without running it."""

    slug: str
    kind: str  # method, problem or study
    family: str  # for a problem the folder of its world
    path: Path
    class_name: str
    doc: str
    world: str
    fields: tuple[Field, ...]
    declared: dict[str, Any]  # class-level literals

    @property
    def title(self) -> str:
        """The name that a person reads."""
        return self.declared.get("title") or self.slug.replace("_", " ").capitalize()

    @property
    def idea(self) -> str:
        """One sentence."""
        return self.declared.get("idea", "")

    @property
    def paper(self) -> dict[str, Any]:
        """Title and year of the source."""
        return self.declared.get("paper", {})

    @property
    def equation(self) -> str:
        """The first display equation of the docstring, in LaTeX without dollars."""
        parts = self.doc.split("$$")
        return " ".join(parts[1].split()) if len(parts) > 2 else ""

    def field(self, name: str) -> Field:
        """The field of that name."""
        for field in self.fields:
            if field.name == name:
                return field
        raise AtlasError(f"{self.slug} has no field {name!r}; {nearest(name, [f.name for f in self.fields])}")


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
    return [p for p in problems() if p.world == method.world]


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


@lru_cache(maxsize=None)
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
            parsed = _parse(path, path.stat().st_mtime_ns)
            if parsed and parsed.slug in found:
                raise AtlasError(f"two files are named {path.name}: {found[parsed.slug].path} and {path}; rename one.")
            if parsed:
                found[parsed.slug] = parsed
    return sorted(found.values(), key=lambda e: (e.family, e.slug))


@lru_cache(maxsize=None)
def _parse(path: Path, changed: int) -> Entry | None:
    """Reads one file; a file that does not parse is left out with a warning that names it."""
    kind = {"methods": "method", "problems": "problem", "studies": "study"}[path.parent.parent.name]
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        wanted = [n for n in tree.body if isinstance(n, ast.ClassDef) and _base_name(n) == kind.capitalize()]
        if len(wanted) != 1:
            raise SyntaxError(f"it must hold exactly one subclass of {kind.capitalize()}, found {len(wanted)}")
        return _describe(wanted[0], path, kind)
    except (SyntaxError, ValueError) as error:
        warnings.warn(f"{path} is left out of the catalogue: {error}", stacklevel=2)
        return None


def _base_name(node: ast.ClassDef) -> str:
    return ast.unparse(node.bases[0]).rpartition(".")[2] if node.bases else ""


def _describe(node: ast.ClassDef, path: Path, kind: str) -> Entry:
    fields, declared, world = [], {}, "minimize"
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and "ClassVar" not in ast.unparse(item.annotation):
            fields.append(_field(item))
        elif isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            name = item.targets[0].id
            if name == "oracle":  # a problem states its world by the oracle class that it offers
                world = _snake(ast.unparse(item.value))
            try:
                declared[name] = _literal(item.value)
            except ValueError:
                continue  # not a literal: only the class itself knows it
        elif isinstance(item, ast.FunctionDef) and item.name == "step" and kind == "method":
            world = _snake(ast.unparse(item.args.args[1].annotation))
        if isinstance(item, ast.FunctionDef):
            declared.setdefault("defines", []).append(item.name)
    family = declared.get("family", path.parent.name)
    doc = ast.get_docstring(node) or ""
    return Entry(path.stem, kind, family, path, node.name, doc, world, tuple(fields), declared)


def _field(item: ast.AnnAssign) -> Field:
    name, annotation = item.target.id, item.annotation
    default = _literal(item.value) if item.value is not None else None
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated":
        inner, mark = annotation.slice.elts[0], _literal(annotation.slice.elts[1])
        if isinstance(mark, Base):
            return Field(name, "method", mark.slug)
        return Field(name, ast.unparse(inner), default, mark)
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Literal":
        choices = _literal(annotation.slice)
        return Field(name, "choice", default, None, choices if isinstance(choices, tuple) else (choices,))
    return Field(name, ast.unparse(annotation), default)


def _literal(node: ast.expr) -> Any:
    """The value of a literal; calls of the torch-free words are allowed in it."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WORDS:
        keywords = {k.arg: _literal(k.value) for k in node.keywords}
        return WORDS[node.func.id](*map(_literal, node.args), **keywords)
    if isinstance(node, ast.Tuple):
        return tuple(map(_literal, node.elts))
    return ast.literal_eval(node)


def _snake(name: str) -> str:
    name = name.rpartition(".")[2]
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


