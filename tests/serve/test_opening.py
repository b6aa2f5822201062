"""The recorded run that a page shows while its kernel starts, as the server hands it out."""

from __future__ import annotations

import base64
import json
import subprocess
import sys

import pytest

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.serve import opening
from widgetlib.studies.verdicts import RECORDS
from widgetlib.widgets import record

RECORDED = min(path.parent.name for path in RECORDS.glob("*/card.json"))


@pytest.fixture(autouse=True)
def forget():
    """Each test reads the records anew."""
    opening.opening.cache_clear()


@pytest.mark.parametrize("slug", [entry.slug for entry in catalog.methods()])
def test_every_record_opens_on_four_pictures_whose_arrays_are_all_there(slug):
    text = opening.opening(slug)
    assert text is not None
    card = json.loads(text)
    assert catalog.entry(slug).title in card["head"]
    assert len(card["views"]) == 4
    for view in card["views"]:
        size = len(base64.b64decode(view["arrays"]))
        ends = [start + count(shape) * int(kind[1]) for start, shape, kind in placeholders(view["spec"])]
        assert max(ends) == size
        assert view["spec"]["reading"]


def test_a_method_without_a_record_opens_on_nothing(monkeypatch):
    monkeypatch.setattr(record, "load", lambda slug: None)
    assert opening.opening(RECORDED) is None


def test_an_unknown_method_is_an_error():
    with pytest.raises(AtlasError, match="did you mean"):
        opening.opening(RECORDED[:-1])


def test_the_server_does_not_import_torch_for_it():
    code = f"from widgetlib.serve.opening import opening; opening({RECORDED!r})"
    check = "import sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", f"{code}; {check}"], check=True)


def placeholders(value):
    """The array placeholders of a description."""
    if isinstance(value, list):
        return [p for item in value for p in placeholders(item)]
    if isinstance(value, dict):
        return [value["$"]] if "$" in value else [p for item in value.values() for p in placeholders(item)]
    return []


def count(shape):
    """The number of entries of an array."""
    size = 1
    for n in shape:
        size *= n
    return size
