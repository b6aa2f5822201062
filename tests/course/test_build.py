"""Notebooks are built from their sources, the same bytes each time, and are what is committed."""

import json
from pathlib import Path

import nbformat
import pytest

from widgetlib.__main__ import main
from widgetlib.core.words import AtlasError
from widgetlib.course.build import build, notebook, stale

ROOT = Path(__file__).parents[2]
SOURCE = '''# %% lesson_id="say" tags=["solution"]
def double(x):
    """Twice x."""
    ### BEGIN SOLUTION
    return 2 * x  # secret
    ### END SOLUTION


# %% lesson_id="whole" tags=["solution"]
secret = 1

# %% lesson_id="behind" tags=["hidden"]
secret = 2

# %% lesson_id="check" tags=["check", "voila-hide"]
double(2)
'''


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "one.py"
    path.write_text(SOURCE)
    return path


def test_what_is_committed_is_what_the_sources_build():
    assert stale(ROOT / "lessons", ROOT / "notebooks") == [], "run `make notebooks` and commit the result"


@pytest.mark.parametrize("solutions", [False, True])
def test_three_builds_are_the_same_bytes_and_valid(solutions):
    for source in (ROOT / "lessons").glob("*.py"):
        texts = {notebook(source, solutions) for _ in range(3)}
        assert len(texts) == 1
        nbformat.validate(nbformat.reads(texts.pop(), as_version=4))


def test_a_student_gets_a_stub_and_no_solution(source):
    text = notebook(source)
    assert "secret" not in text and "SOLUTION" not in text
    cells = json.loads(text)["cells"]
    assert [cell["id"] for cell in cells] == ["say", "check"]
    assert "".join(cells[0]["source"]).endswith('"""Twice x."""\n    ...  # your code here')
    assert cells[1]["metadata"]["tags"] == ["check", "voila-hide"]


def test_a_teacher_gets_the_solution_without_its_markers(source):
    text = notebook(source, solutions=True)
    assert "SOLUTION" not in text and "your code here" not in text
    cells = json.loads(text)["cells"]
    assert [cell["id"] for cell in cells] == ["say", "whole", "behind", "check"]
    assert "    return 2 * x  # secret" in "".join(cells[0]["source"])


def test_solutions_are_built_of_lessons_that_have_some(source, tmp_path):
    (tmp_path / "two.py").write_text('# %% lesson_id="a"\n1\n')
    assert [path.name for path in build(tmp_path, tmp_path / "out", solutions=True)] == ["one.ipynb"]


def test_the_command_puts_solutions_into_a_folder_of_their_own(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("widgetlib.__main__.PACKAGE", tmp_path / "widgetlib")
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "one.py").write_text(SOURCE)
    assert main(["notebooks", "--solutions"]) == 0
    assert "secret" in (tmp_path / "build" / "solutions" / "one.ipynb").read_text()
    assert not (tmp_path / "notebooks").exists()
    assert "build/" in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# %%\n1\n", "has no lesson_id"),
        ('# %% lesson_id="a"\n1\n\n# %% lesson_id="a"\n2\n', "stands twice"),
        ('# %% lesson_id="a"\n### BEGIN SOLUTION\n1\n', "'a' has a solution without an end"),
        ('# %% lesson_id="a"\n1\n### END SOLUTION\n', "out of turn"),
        ('# %% lesson_id="a"\n### BEGIN SOLUTION\n### BEGIN SOLUTION\n1\n', "out of turn"),
    ],
)
def test_a_source_that_does_not_fit_is_refused(tmp_path, text, says):
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
