"""One file dropped into a folder of one's own: its card, its sliders, its gallery entry and its tests follow."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from widgetlib.scaffold import skeleton

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path):
    """A folder with one method that the catalogue did not know."""
    path = tmp_path / "methods" / "first_order" / "dropped_in.py"
    path.parent.mkdir(parents=True)
    path.write_text(skeleton("method", "dropped_in", "first_order"), encoding="utf-8")
    return tmp_path


def run(folder, *command):
    environment = os.environ | {"WIDGETLIB_PATH": str(folder)}
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_its_gallery_entry_its_sliders_and_its_card_are_there(folder):
    code = """
        import sys
        from widgetlib import catalog
        from widgetlib.site.gallery import page
        html = page(catalog.methods())
        assert "card.ipynb?method=dropped_in" in html and "Dropped in" in html
        assert "torch" not in sys.modules
        import widgetlib as wl
        card = wl.card("dropped_in", steps=60)
        assert {"lr", "beta"} <= set(card.choices.controls.names())
        assert card.worker.wait(60), card.status.value
        assert all(figure.revision for figure in card.figures.values()), card.status.value
        assert card.trace.method.slug == "dropped_in"
        card.choices.controls.find("beta")[0].value = 0.5
        assert card.worker.wait(60)
        assert card.trace.method.beta == 0.5
    """
    done = run(folder, "-c", textwrap.dedent(code))
    assert done.returncode == 0, done.stderr


def test_the_contract_test_runs_on_it(folder):
    done = run(
        folder, "-m", "pytest", "tests/contract/test_contract.py", "tests/contract/test_laws.py", "-k", "dropped_in"
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout or done.stdout.count(".") > 10


def test_a_broken_one_is_caught(folder):
    path = folder / "methods" / "first_order" / "dropped_in.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("(2 + 2 * self.beta) /", "(2 + 1 * self.beta) /"), encoding="utf-8")
    done = run(folder, "-m", "pytest", "tests/contract/test_laws.py", "-k", "dropped_in")
    assert done.returncode == 1 and "failed" in done.stdout.lower()
