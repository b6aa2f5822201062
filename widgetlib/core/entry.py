"""What one file says of its method, problem or study, read with `ast`: nothing is imported or run."""

from __future__ import annotations

import ast
import math
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from widgetlib.core.words import AtlasError, Base, Claim, Range, Start, nearest

WORDS = {word.__name__: word for word in (Range, Base, Start, Claim, dict, tuple, frozenset)}


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
        if self.kind == "int" and not float(value).is_integer():
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


@cache
def read(path: Path, changed: int) -> Entry | None:
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
                world = snake(ast.unparse(item.value))
            try:
                declared[name] = _literal(item.value)
            except ValueError:
                continue  # not a literal: only the class itself knows it
        elif isinstance(item, ast.FunctionDef) and item.name == "step" and kind == "method":
            world = snake(ast.unparse(item.args.args[1].annotation))
        if isinstance(item, ast.FunctionDef):
            declared.setdefault("defines", []).append(item.name)
    family = declared.get("family", path.parent.name)
    doc = ast.get_docstring(node) or ""
    return Entry(path.stem, kind, family, path, node.name, doc, world, tuple(fields), declared)


def _field(item: ast.AnnAssign) -> Field:
    name, annotation = item.target.id, item.annotation
    try:
        default = _literal(item.value) if item.value is not None else None
    except ValueError:  # made anew for each instance: field(default_factory=dict)
        default = None
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


def snake(name: str) -> str:
    """FiniteSum as finite_sum: the world of a class."""
    name = name.rpartition(".")[2]
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")
