"""Finds what there is to check: the claims of methods, and studies by their own name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from widgetlib import catalog
from widgetlib.core.study import Study
from widgetlib.core.words import AtlasError, Claim, nearest


def studies_of(slugs: list[str]) -> Iterator[tuple[str, str, Study]]:
    """Slug, statement and study for each claim of the methods named, and for each study named.

    Args:
        slugs: methods and studies; none for every claim and every study that stands on its own.

    Raises:
        AtlasError: an unknown slug, or a method without a claim.
    """
    methods = {e.slug: e for e in catalog.methods()}
    studies = {e.slug: e for e in catalog.studies() if e.family != "generic"}
    wanted = slugs or [*(s for s, e in methods.items() if claim_of(e)), *studies]
    for slug in wanted:
        if slug in methods:
            claim = claim_of(methods[slug])
            if claim is None:
                raise AtlasError(f"{slug} makes no claim; choose a method that does (widgetlib check, without names).")
            yield slug, claim.text, study_of(slug, claim)
        elif slug in studies:
            yield slug, studies[slug].idea, catalog.study(slug)
        else:
            raise AtlasError(f"there is no method or study {slug!r}; {nearest(slug, [*methods, *studies])}")


def claim_of(entry: catalog.Entry) -> Claim | None:
    """The claim that a method's file declares."""
    return entry.declared.get("claim")


def study_of(slug: str, claim: Claim) -> Study:
    """The study that decides a claim, with the method filled in where the study takes one."""
    settings: dict[str, Any] = dict(claim.settings)
    if "method" in [f.name for f in catalog.entry(claim.study, "study").fields]:
        settings.setdefault("method", slug)
    return catalog.study(claim.study, **settings)
