"""What a card opens on: there for every method, drawn without torch, and still what the code computes."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import widgetlib as wl
from widgetlib import catalog
from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError
from widgetlib.dashboards.card import Card
from widgetlib.dashboards.recording import record as make
from widgetlib.widgets import record

SLUGS = [e.slug for e in catalog.methods() if e.path.is_relative_to(catalog.PACKAGE)]


@pytest.mark.parametrize("slug", SLUGS)
def test_the_golden_steps_are_what_the_code_computes(slug):
    found = record.load(slug)
    assert found is not None, f"run: python -m widgetlib record {slug}"
    golden = Table.load(record.RECORDS / slug / "golden.npz")
    method, problem = found.settings.build()
    want = found.settings
    trace = wl.run(method, problem, record.GOLDEN, seed=want.seed, start=want.start, batch=want.batch)
    merit = trace.problem.oracle.merit.name
    tolerance = 1e-7 if trace.w.dtype.itemsize == 8 else 1e-3
    np.testing.assert_allclose(trace.merit.numpy(), golden[merit], rtol=tolerance, atol=1e-12)
    assert set(found.drawn) == set(trace.problem.oracle.views)


def test_a_card_opens_on_its_record_without_torch():
    code = (
        "import sys, widgetlib as wl; c = wl.card(sys.argv[1]); assert 'torch' not in sys.modules; "
        "assert 'plotly' not in sys.modules; assert all(f.revision == 1 for f in c.figures.values()); "
        "assert 'recorded' in c.status.value; assert c.player.scrub.max == 500"
    )
    subprocess.run([sys.executable, "-c", code, SLUGS[0]], check=True)


def test_a_touched_card_becomes_live():
    card = Card(SLUGS[0])
    assert card.trace is None
    card.choices.steps.value = 100
    assert card.worker.wait(60)
    assert len(card.trace) == 101 and "100 steps" in card.status.value


def test_the_surface_of_a_record_is_drawn_without_a_run():
    card = Card(SLUGS[0])
    card.surface.value = True
    assert card.worker.wait(60)
    assert any(t.get("type") == "surface" for t in card.figures["landscape"].spec["data"])
    assert card.trace is None


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A record that a test may spoil."""
    shutil.copytree(record.RECORDS / SLUGS[0], tmp_path / SLUGS[0])
    monkeypatch.setattr(record.load, "__defaults__", (tmp_path,))
    return tmp_path / SLUGS[0]


def spoil_version(folder):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"version": 99}))


def spoil_table(folder):
    path = next(folder.glob("trajectory-*.npz"))
    path.write_bytes(path.read_bytes()[:100])


def spoil_header(folder):
    (folder / "card.json").write_text("{")


@pytest.mark.parametrize("spoil", [spoil_version, spoil_table, spoil_header])
def test_a_damaged_record_costs_a_sentence_and_not_the_card(copy, spoil):
    spoil(copy)
    with pytest.raises(AtlasError, match=r"record"):
        record.load(SLUGS[0])
    card = Card(SLUGS[0])
    assert card.worker.wait(60)
    assert card.trace is not None


def test_recording_again_gives_the_same_pictures(tmp_path):
    make(SLUGS[0], tmp_path)
    ours, again = record.load(SLUGS[0]), record.load(SLUGS[0], tmp_path)
    assert again.settings == ours.settings and again.views == ours.views
    for name, (tables, _) in ours.drawn.items():
        for old, new in zip(tables, again.drawn[name].tables, strict=True):
            assert (old is None) == (new is None)
            assert old is None or list(old) == list(new)
