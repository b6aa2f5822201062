import pytest
import torch

from widgetlib import catalog
from widgetlib.core.trace import plain
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run, sweep

ADAM, VALLEY = catalog.method("adam"), catalog.problem("rosenbrock")


def test_at():
    t = run(ADAM, VALLEY, 10)
    assert torch.equal(t.at(4).w, t.w[4]) and t.at(-1).k == 10 and t.at(-11).k == 0
    assert torch.equal(t.at(4).step().w, t.w[5])
    rest = run(ADAM, VALLEY, 5, start=t.at(10))
    assert rest.at(12).k == 12 and torch.equal(rest.at(12).w, rest.w[2])
    for k in (9, 16, -7):
        with pytest.raises(AtlasError, match="recorded steps 10 to 15"):
            rest.at(k)


def test_points():
    t = run(ADAM, VALLEY, 10, memory=5 * 8 * 6)
    assert len(t.kept) < 11
    assert [p.k for p in t.points(4)] == [0, 4, 8, 10] and [p.k for p in t.points(5)] == [0, 5, 10]
    assert [p.k for p in t.points(4, first=3)] == [3, 7, 10]
    whole = run(ADAM, VALLEY, 10)
    assert all(torch.equal(p.w, whole.w[p.k]) for p in t.points(3, first=1))
    assert [p.k for p in run(ADAM, VALLEY, 0).points()] == [0]


def test_table():
    t = sweep(ADAM, VALLEY, 4, {"lr": [1e-3, 1e-2]}, seeds=[5, 6])
    table = t.table()
    assert table["loss"].shape == (5, 2, 2) and table.column("loss").dims == ("step", "lr", "seed")
    assert table["lr"].tolist() == [1e-3, 1e-2] and table["seed"].tolist() == [5, 6]
    assert table["gradients"].tolist() == [0, 1, 2, 3, 4] and table.column("seconds").unit == "s"
    assert {
        "method": "adam",
        "method_title": "Adam",
        "problem": "rosenbrock",
        "merit": "loss",
    }.items() <= table.attrs.items()
    assert table.attrs["hyper"]["lr"] == [1e-3, 1e-2] and table.attrs["hyper"]["beta1"] == 0.9


def test_starts_given_as_coordinates_are_numbered():
    table = sweep(ADAM, VALLEY, 1, starts=[[1.0, 2.0], torch.zeros(2)]).table()
    assert table["start"].tolist() == [0, 1] and table.attrs["coords"]["start"] == [[1, 2], [0, 0]]
    named = sweep(ADAM, VALLEY, 1, starts=["below", [0.0, 1.0]]).table()
    assert named["start"].tolist() == [0, 1]


def test_diverged():
    t = run(catalog.method("gd", lr=10.0), VALLEY, 30)
    first = int(t.diverged)
    assert torch.isfinite(t.merit[:first]).all() and not torch.isfinite(t.merit[first])
    rest = run(catalog.method("gd", lr=10.0), VALLEY, 30, start=run(catalog.method("gd"), VALLEY, 100).at(100))
    assert rest.diverged > 100, "it is the number of the step, not of the row"


def test_repr():
    t = sweep(ADAM, VALLEY, 4, {"lr": [1e-3, 1e-2]})
    assert repr(t) == "Trace(adam on rosenbrock: 4 steps × 2 lr)"


def test_plain_values():
    assert plain(torch.tensor([[1.0], [2.0]])) == [1, 2] and plain(torch.tensor([3.0])) == 3
    assert plain((1, torch.float32, None, "a")) == [1, "torch.float32", None, "a"]
