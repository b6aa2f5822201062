"""What a call or a link asks a comparison to open on, made sense of or refused in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from widgetlib import catalog
from widgetlib.catalog import Entry, Field
from widgetlib.core.words import AtlasError, Range, nearest

MOST = 8
"""Methods at most: more lines than that nobody tells apart."""
RUN = (Field("steps", "int", 500, Range(20, 3000, step=20)), Field("seeds", "int", 1, Range(1, 8)))


class Request(NamedTuple):
    """What a comparison opens on.

    Attributes:
        entries: the methods.
        problem: the problem, which all of them fit.
        problems: all that a menu may offer.
        nested: values of fields by name, by slug of their method or problem.
    """

    entries: list[Entry]
    problem: Entry
    problems: list[Entry]
    nested: dict[str, dict[str, Any]]


def understood(methods: Sequence[str], chosen: dict[str, Any]) -> Request:
    """The methods and the problem that were asked for, or what stands in where nothing was.

    Args:
        methods: slugs, or none for one of each family.
        chosen: `problem` and `slug.field` are looked at; other names must be those of a comparison.

    Raises:
        AtlasError: an unknown slug or name, too many methods, or methods that no problem fits.
    """
    entries = _entries(methods)
    problems = [p for p in catalog.problems() if fitting(p)]
    slug = chosen.get("problem") or _opening(entries, problems)
    problem = catalog.entry(slug, "problem")
    _all_fit(entries, problem)
    entries = entries or _one_a_family(problem)
    return Request(entries, problem, problems, _nested(chosen, [e.slug for e in entries], slug))


def _entries(methods: Sequence[str]) -> list[Entry]:
    if isinstance(methods, str) or len(methods) > MOST:
        raise AtlasError(f"a comparison takes a list of at most {MOST} methods, not {methods!r}.")
    return [catalog.entry(slug) for slug in dict.fromkeys(methods)]


def fitting(problem: Entry) -> list[Entry]:
    """The methods that ask for no more than the problem offers."""
    return [m for m in catalog.methods() if m.world in catalog.worlds()[problem.world]]


def _opening(entries: list[Entry], problems: list[Entry]) -> str:
    """A problem that all of them fit: where there is one, a function of two unknowns with known minima."""
    common = [p for p in problems if all(e.world in catalog.worlds()[p.world] for e in entries)]
    if not common:
        worlds = ", ".join(f"{e.slug} ({e.world.replace('_', ' ')})" for e in entries)
        raise AtlasError(f"no problem fits all of these methods: {worlds}; choose methods of one world.")
    drawn = [p.slug for p in common if p.declared.get("minima") and p.declared.get("window")]
    return (drawn or [p.slug for p in common])[0]


def _all_fit(entries: list[Entry], problem: Entry) -> None:
    for e in entries:
        if e.world not in catalog.worlds()[problem.world]:
            fit = ", ".join(p.slug for p in catalog.fitting(e))
            raise AtlasError(
                f"{e.slug} does not fit {problem.slug}, which offers the world {problem.world}; it fits: {fit}."
            )


def _one_a_family(problem: Entry) -> list[Entry]:
    """What a comparison opens on where nobody chose: the first method of each of four families."""
    return list({e.family: e for e in reversed(fitting(problem))}.values())[::-1][:4]


def _nested(chosen: dict[str, Any], methods: list[str], problem: str) -> dict[str, dict[str, Any]]:
    """`slug.field` values by slug; AtlasError for a name that means nothing here."""
    plain, found = {"problem", "start", "axis", "batch", *(f.name for f in RUN)}, {}
    for name, value in chosen.items():
        slug, _, field = name.partition(".")
        if name in plain:
            continue
        if not field or slug not in (*methods, problem):
            raise AtlasError(f"there is no {name!r} to choose in a comparison; {nearest(name, plain)}")
        entry = catalog.entry(slug) if slug in methods else catalog.entry(slug, "problem")
        entry.field(field.partition(".")[0])
        found.setdefault(slug, {})[field] = value
    return found
