"""The catalogue: what is found, described and made from files alone, and what a person reads when it fails."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import widgetlib as wl
from widgetlib import catalog
from widgetlib.core.words import AtlasError, Range

ROOT = Path(__file__).parents[1]
GD = catalog.entry("gd").path.read_text(encoding="utf-8")


@pytest.fixture
def extra(tmp_path, monkeypatch):
    """A folder beside the package's own: `extra(slug, text)` drops a method file in."""
    monkeypatch.setenv("WIDGETLIB_PATH", str(tmp_path))

    def drop(slug, text=GD, family="first_order"):
        path = tmp_path / "methods" / family / f"{slug}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return drop


def test_an_entry_says_what_the_file_says():
    e = catalog.entry("adam")
    assert (e.kind, e.family, e.world, e.title, e.paper["year"]) == ("method", "adaptive", "minimize", "Adam", 2014)
    assert e.equation.startswith(r"m = \beta_1 m + (1-\beta_1) g") and "$" not in e.equation
    assert [f.name for f in e.fields] == ["lr", "beta1", "beta2", "eps"]
    assert e.field("lr").range == Range(1e-5, 1.0, log=True) and e.field("lr").default == 1e-3
    assert catalog.entry("sam").field("base").default == "gd"


def test_an_entry_and_its_class_agree():
    for e in (*catalog.methods(), *catalog.problems()):
        made = {"method": catalog.method, "problem": catalog.problem}[e.kind](e.slug)
        assert made.slug == e.slug and made.title == e.title
        for f in e.fields:
            value = getattr(made, f.name)
            assert (value.slug if f.kind == "method" else value) == f.default


def test_tables():
    methods = wl.methods()
    assert set(methods) == {"slug", "title", "family", "world", "paper", "year"}
    assert "gd" in methods["slug"] and "quadratic" in wl.problems()["slug"]
    assert len(wl.papers()["paper"]) >= len(methods["slug"]) and len(wl.studies()) == 6


def test_problems_fit_methods_of_their_world():
    assert [p.slug for p in catalog.fitting(catalog.entry("gd"))]
    assert {p.world for p in catalog.fitting(catalog.entry("gd"))} <= {"minimize", "finite_sum"}


def test_making():
    m = wl.method("sam", base="heavy_ball", rho=0.2, **{"base.beta": 0.5})
    assert (m.base.slug, m.base.beta, m.rho) == ("heavy_ball", 0.5, 0.2)
    assert wl.method("sam", base=wl.method("adam", lr=0.5)).base.lr == 0.5
    assert wl.method("gd", lr=1).lr == 1.0 and wl.problem("digits_mlp", width=8.0).width == 8


@pytest.mark.parametrize(
    ("make", "say"),
    [
        (lambda: wl.method("addam"), r"there is no method 'addam'; did you mean adam"),
        (lambda: wl.method("zzz"), "choose one of"),
        (lambda: wl.problem("rosenbrok"), r"did you mean rosenbrock\?"),
        (lambda: wl.study("zzz"), "there is no study 'zzz'"),
        (lambda: wl.method("gd", rl=1), r"gd has no field 'rl'; did you mean lr\?"),
        (lambda: wl.method("gd", **{"base.lr": 1}), "gd has no field 'base'"),
        (lambda: wl.method("sam", **{"base.rl": 1}), "gd has no field 'rl'"),
        (lambda: wl.method("sam", **{"rho.x": 1}), "'rho', which is no method"),
        (lambda: wl.method("gd", lr=11.0), "outside the range of gd; give a value from 1e-05 to 10"),
        (lambda: wl.method("gd", lr=float("nan")), "not a number; give a value from 1e-05 to 10"),
        (lambda: wl.method("gd", lr=float("inf")), "outside the range"),
        (lambda: wl.method("gd", lr="fast"), "not a number"),
        (lambda: wl.method("gd", lr=True), "not a number"),
        (lambda: wl.problem("digits_mlp", width=4.5), "must be a whole number; give a value from 4 to 128"),
        (lambda: wl.problem("digits_mlp", width=float("inf")), "give a value from 4 to 128"),
        (lambda: wl.problem("digits_mlp", activation="sine"), "use one of 'tanh', 'relu', 'gelu'"),
        (lambda: wl.problem("digits_mlp", activation=["tanh"]), "use one of 'tanh', 'relu', 'gelu'"),
        (lambda: wl.method("sam", base="nothing"), "there is no method 'nothing'"),
        (lambda: wl.method("sam", base=3), "is no method"),
        (lambda: catalog.entry("adam").field("beta3"), "did you mean beta"),
    ],
)
def test_says_what_to_do(make, say):
    with pytest.raises(AtlasError, match=say):
        make()


def test_unknown_attributes():
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        wl.runn  # noqa: B018
    with pytest.raises(AttributeError, match="did you mean sharpness"):
        wl.measure.sharpnes  # noqa: B018
    assert {"run", "sweep", "measure", "papers"} <= set(dir(wl)) and "sharpness" in dir(wl.measure)


def test_the_public_spaces_survive_imports_of_their_folders():
    from widgetlib.measure.sharpness import Sharpness, sharpness

    for listing in (wl.methods, wl.problems, wl.studies):
        assert "slug" in listing()

    assert wl.measure.sharpness is sharpness and wl.measure.Sharpness is Sharpness


def test_public_figures_are_plotly_figures():
    t = wl.run(wl.method("gd"), wl.problem("rosenbrock"), 5)
    figure = wl.figures.trajectory(t.table(), theme="dark")
    assert type(figure).__name__ == "Figure" and figure.layout.meta["reading"].endswith(".")


def test_a_file_that_does_not_parse_is_left_out_with_a_warning(extra):
    for slug, text, why in [
        ("broken", "class Broken(Method:", "broken.py is left out"),
        ("empty", "", "exactly one subclass of Method, found 0"),
        ("twins", f"{GD}\n\nclass Twin(Method):\n    pass\n", "exactly one subclass of Method, found 2"),
        ("binary", "\0", "binary.py is left out"),
    ]:
        path = extra(slug, text)
        with pytest.warns(UserWarning, match=why):
            assert slug not in [e.slug for e in catalog.methods()]
        path.unlink()


def test_a_file_that_cannot_be_read_is_left_out(extra):
    extra("latin").write_bytes('"""Größe."""'.encode("latin-1"))
    with pytest.warns(UserWarning, match="latin.py is left out"):
        assert "gd" in [e.slug for e in catalog.methods()]


def test_names_must_differ(extra):
    extra("gd")
    with pytest.raises(AtlasError, match=r"two files are named gd\.py.*rename one"):
        catalog.methods()


def test_a_file_dropped_in_is_a_method_and_a_changed_one_is_read_anew(extra):
    path = extra("brand_new", GD.replace('title = "Gradient descent"', 'title = "Brand new"'))
    assert catalog.entry("brand_new").title == "Brand new" and "brand_new" in wl.methods()["slug"]
    assert wl.run(wl.method("brand_new", lr=0.1), wl.problem("quadratic"), 3).method.slug == "brand_new"
    path.write_text(GD.replace("w - self.lr", "w - 2 * self.lr"), encoding="utf-8")
    os.utime(path, (1, 1))
    assert catalog.entry("brand_new").title == "Gradient descent"
    twice = wl.run(wl.method("brand_new", lr=0.1), wl.problem("quadratic"), 1)
    assert (twice.w[1] == wl.run(wl.method("gd", lr=0.2), wl.problem("quadratic"), 1).w[1]).all()


def test_files_that_begin_with_an_underscore_are_not_scanned(extra):
    extra("_draft", "nonsense(")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "_draft" not in [e.slug for e in catalog.methods()]


def test_describing_everything_imports_no_torch():
    """Nor does reading a file run it: one that would end Python is described all the same."""
    script = (
        "import sys; from widgetlib import catalog\n"
        "entries = [*catalog.methods(), *catalog.problems(), *catalog.studies()]\n"
        "words = [(e.title, e.idea, e.equation, e.paper, e.fields, e.world) for e in entries]\n"
        "print(len(words) > 6, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "False"], done.stderr


def test_reading_a_file_does_not_run_it(extra):
    extra("hostile", "raise SystemExit\n" + GD)
    assert catalog.entry("hostile").title == "Gradient descent"
