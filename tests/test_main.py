"""The command line, and the skeletons of CONTRIBUTING.md that `new` writes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from widgetlib import catalog, serve
from widgetlib.__main__ import main
from widgetlib.figures.picture import Picture
from widgetlib.scaffold import skeleton


def load(text, name, folder, monkeypatch):
    """The function `name` of a source text."""
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    sys.modules.pop(name, None)
    return getattr(__import__(name), name)


def test_list_names_every_entry_once(capsys):
    for options, entries in ((["list"], catalog.methods()), (["list", "--problems"], catalog.problems())):
        assert main(options) == 0
        lines = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
        assert sorted(lines) == sorted(e.slug for e in entries)


def test_show_prints_what_the_file_says(capsys):
    for entry in [*catalog.methods(), *catalog.problems()]:
        assert main(["show", entry.slug]) == 0
        out = capsys.readouterr().out
        for part in (
            entry.title,
            entry.idea,
            entry.paper.get("title", ""),
            entry.equation,
            *(f.name for f in entry.fields),
        ):
            assert " ".join(part.split()) in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "adm"], "did you mean adam"),
        (["list", "--family", "adaptiv"], "did you mean adaptive"),
        (["app", "--port", "70000"], "from 1 to 65535"),
        (["app", "--kernels", "0"], "give 1 or more"),
        (["new", "method", "adam"], "choose another name"),
        (["new", "method", "Heavy-Ball"], "small letters"),
        (["new", "problem", "mine", "--family", "../up"], "small letters"),
    ],
)
def test_bad_input_is_one_sentence(arguments, said, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert said in err and err.count("\n") == 1 and not out and "Traceback" not in err


def test_app_and_lab_hand_their_options_on(monkeypatch):
    calls = []
    monkeypatch.setattr(serve, "app", lambda *a, **k: calls.append((a, k)))
    monkeypatch.setattr(serve, "lab", lambda *a, **k: calls.append((a, k)))
    main(["app", "--port", "8899", "--no-browser", "--kernels", "3"])
    main(["lab"])
    assert calls == [((8899, False, None), {"host": "localhost", "kernels": 3}), ((None, True, None), {})]


def test_new_does_not_write_over_a_file(tmp_path, capsys):
    assert main(["new", "method", "mine", "--into", str(tmp_path)]) == 0
    path = tmp_path / "methods" / "first_order" / "mine.py"
    path.write_text("changed", encoding="utf-8")
    assert main(["new", "method", "mine", "--into", str(tmp_path)]) == 2
    assert path.read_text(encoding="utf-8") == "changed"


@pytest.mark.parametrize("kind", ["method", "problem", "measure", "figure"])
def test_skeletons_keep_the_rules_of_the_house(kind, tmp_path):
    place = tmp_path / "widgetlib" / f"{kind}s"  # the rules of a folder go by its name
    place.mkdir(parents=True)
    (place / f"my_{kind}.py").write_text(skeleton(kind, f"my_{kind}", "first_order"), encoding="utf-8")
    shutil.copy(Path(__file__).parents[1] / "pyproject.toml", tmp_path)
    for command in (["check", "--no-cache"], ["format", "--no-cache", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "."], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


def test_skeletons_of_method_and_problem_work(tmp_path, monkeypatch):
    """What `new` writes appears in the catalogue, runs, and keeps its own law."""
    import torch

    import widgetlib as wl

    monkeypatch.setenv("WIDGETLIB_PATH", str(tmp_path))
    assert main(["new", "method", "fancy_descent", "--family", "own_family", "--into", str(tmp_path)]) == 0
    assert main(["new", "problem", "double_well", "--into", str(tmp_path)]) == 0
    entry = catalog.entry("fancy_descent")
    assert (entry.title, entry.class_name, entry.family) == ("Fancy descent", "FancyDescent", "own_family")
    problem = wl.problem("double_well")
    for point in problem.minima:
        oracle = problem.oracle(problem, problem.load())
        assert oracle.grad(torch.tensor(point, dtype=problem.dtype)).abs().max() < 1e-12

    bowl = wl.problem("quadratic", condition=10.0)
    edge = 10.0**-1 * (2 + 2 * 0.9) / (1 + 2 * 0.9)  # of the rate, at the largest curvature, 10
    for factor, grows in ((0.99, False), (1.01, True)):
        t = wl.run(wl.method("fancy_descent", lr=factor * edge), bowl, steps=3000)
        assert bool(t.loss[-1] > t.loss[100]) is grows
    assert len(wl.run(wl.method("fancy_descent"), problem, steps=20, seed=1)) == 21


def test_skeletons_of_measure_and_figure_work(tmp_path, monkeypatch):
    import widgetlib as wl

    turning = load(skeleton("measure", "my_measure", ""), "my_measure", tmp_path, monkeypatch)
    draw = load(skeleton("figure", "my_figure", ""), "my_figure", tmp_path, monkeypatch)
    # along one eigenvector at a rate above the edge, each gradient points against the last one
    bowl = wl.problem("quadratic", rotation=0.0)
    t = wl.run(wl.method("gd", lr=0.21), bowl, steps=10, start=[0.0, 1.0])
    table = turning(t, every=1)
    assert table["cosine"][1:] == pytest.approx(-1)
    picture = draw(table)
    assert isinstance(picture, Picture) and "at 10 of 11 records" in picture.reading
