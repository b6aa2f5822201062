"""Notebooks are built from their sources, the same bytes each time, and are what is committed."""

from pathlib import Path

import nbformat
import pytest

from widgetlib.core.words import AtlasError
from widgetlib.course.build import build, notebook, stale

ROOT = Path(__file__).parents[2]


def test_what_is_committed_is_what_the_sources_build():
    assert stale(ROOT / "lessons", ROOT / "notebooks") == [], "run `make notebooks` and commit the result"


def test_three_builds_are_the_same_bytes_and_valid(tmp_path):
    for source in (ROOT / "lessons").glob("*.py"):
        texts = {notebook(source) for _ in range(3)}
        assert len(texts) == 1
        nbformat.validate(nbformat.reads(texts.pop(), as_version=4))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# %%\n1\n", "has no lesson_id"),
        ('# %% lesson_id="a"\n1\n\n# %% lesson_id="a"\n2\n', "stands twice"),
    ],
)
def test_a_cell_without_a_name_or_with_anothers_is_refused(tmp_path, text, says):
    source = tmp_path / "bad.py"
    source.write_text(text)
    with pytest.raises(AtlasError, match=says):
        notebook(source)


def test_stale_names_what_differs_and_what_has_no_source(tmp_path):
    sources, built = tmp_path / "lessons", tmp_path / "notebooks"
    sources.mkdir()
    (sources / "one.py").write_text('# %% lesson_id="a"\n1\n')
    assert stale(sources, built) == ["one.ipynb"]
    build(sources, built)
    assert stale(sources, built) == []
    (sources / "one.py").write_text('# %% lesson_id="a"\n2\n')
    (built / "two.ipynb").write_text("{}")
    assert stale(sources, built) == ["one.ipynb", "two.ipynb"]
