"""Blocks of steps as one function: traced and taken apart here, compiled in the slow tests."""

import shutil

import pytest
import torch
from torch._inductor import config
from torch.fx.experimental.proxy_tensor import make_fx

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.engine import compiled, simulate
from widgetlib.engine.run import run, sweep

ADAM, BOWL = catalog.method("adam"), catalog.problem("quadratic", dimension=3)
VALLEY, NET = catalog.problem("rosenbrock"), catalog.problem("digits_mlp", width=4, depth=1, subset=60)
RATES = [1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2, 6.4e-2]
needs_a_compiler = pytest.mark.skipif(
    not any(name and shutil.which(name) for name in config.cpp.cxx), reason="there is no C++ compiler here"
)


@pytest.fixture
def short(monkeypatch, tmp_path):
    """Blocks of four steps, compiled anew and quickly."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compiled, "BLOCK", 4)
    monkeypatch.setattr(simulate, "BLOCK", 4)
    monkeypatch.setattr(compiled, "_made", {})


def test_what_follows_from_the_step_number_stands_apart():
    def f(k, x):
        scale = 1 - 0.9 ** (k + 1)
        return [x / scale + k, x * 2, (0.9**k) * x]

    k, x = torch.tensor(3.0, dtype=torch.float64), torch.arange(5.0)
    early, late = compiled._apart(make_fx(f)(k, x))
    assert "pow" in early.code and "pow" not in late.code
    for number in (3.0, 8.0):
        k = torch.tensor(number, dtype=torch.float64)
        for mine, wanted in zip(late(*early(k), x), f(k, x), strict=True):
            assert torch.equal(mine, wanted) and mine.dtype == torch.float32


def test_nothing_may_follow_from_the_step_number():
    early, late = compiled._apart(make_fx(lambda k, x: [x + 1])(torch.tensor(0.0).double(), torch.ones(2)))
    assert torch.equal(late(*early(torch.tensor(5.0).double()), torch.ones(2))[0], torch.full((2,), 2.0))


def test_members_lie_side_by_side_where_they_are_many():
    w = torch.arange(12.0).reshape(2, 3, 2)
    assert torch.equal(compiled._side_by_side(w), w) and compiled._side_by_side(w).stride() == (3, 1, 6)
    assert compiled._side_by_side(w[:1, :1]).is_contiguous()


@pytest.mark.parametrize(
    ("method", "problem", "options", "say"),
    [
        ("adam", NET, {"batch": 10}, "leave one of them out"),
        ("mezo", BOWL, {}, "mezo on quadratic cannot be compiled: a step draws, or decides"),
        ("shampoo", BOWL, {}, "shampoo on quadratic cannot be compiled"),
        ("adam", BOWL, {"memory": 3_000}, r"all 7 members, which compile steps together, .* raise memory"),
    ],
)
@needs_a_compiler
def test_says_what_to_do(method, problem, options, say):
    method = catalog.method(method)
    with pytest.raises(AtlasError, match=say):
        sweep(method, problem, 100, {"lr": RATES}, compile=True, **options)


def test_without_a_compiler(monkeypatch):
    monkeypatch.setattr(compiled.shutil, "which", lambda name: None)
    with pytest.raises(AtlasError, match=r"needs a C\+\+ compiler such as g\+\+, and there is none here: leave it out"):
        sweep(ADAM, BOWL, 100, {"lr": RATES}, compile=True)


@needs_a_compiler
def test_a_compiler_that_fails(monkeypatch, short):
    def fails(*_):
        raise RuntimeError("cannot open Python.h\nin file x")

    monkeypatch.setattr("torch._inductor.compile", fails)
    with pytest.raises(
        AtlasError, match=r"adam on quadratic was not compiled \(cannot open Python.h\); leave compile out"
    ):
        sweep(ADAM, BOWL, 100, {"lr": RATES}, compile=True)


@pytest.mark.slow
@needs_a_compiler
def test_the_same_numbers(short, monkeypatch):
    """Through whole blocks and the steps that are left over, replayed, stopped and with other rates."""
    eager = sweep(ADAM, VALLEY, 30, {"lr": RATES})
    t = sweep(ADAM, VALLEY, 30, {"lr": RATES}, compile=True)
    assert torch.allclose(t.merit, eager.merit, rtol=1e-12) and t.kept.tolist() == [*range(0, 29, 4)]
    assert torch.allclose(t.w, eager.w[t.kept], rtol=1e-12) and t.w.dtype == torch.float64
    assert t.cost["gradients"].tolist() == eager.cost["gradients"].tolist()
    assert torch.allclose(t.at(27).w, eager.w[27], rtol=1e-12)

    monkeypatch.setattr(compiled, "_compile", None)  # what is compiled is found again
    rates = [2 * lr for lr in RATES]
    seen = []
    t = sweep(
        ADAM,
        VALLEY,
        40,
        {"lr": rates},
        compile=True,
        every=3,
        on_step=lambda r: seen.append(r.k) or (r.k > 9 and r.stop()),
    )
    assert seen == [4, 8, 12] and t.stopped and t.steps.tolist() == [0, 3, 6, 9, 12] and t.kept.tolist() == [0, 12]
    alone = run(catalog.method("adam", lr=rates[2]), VALLEY, 12)
    assert torch.allclose(t.w[-1, 2], alone.w[-1], rtol=1e-12)
    assert torch.allclose(t.merit[:, 2], alone.merit[t.steps], rtol=1e-12)


@pytest.mark.slow
@needs_a_compiler
def test_a_network_with_a_gradient_of_its_own_and_what_a_method_records(short):
    """SAM looks elsewhere first: the merit is worked out inside; two axes, float32."""
    sam = catalog.method("sam")
    over = {"rho": [0.01, 0.05, 0.1], "base.lr": [0.1, 0.2]}
    eager = sweep(sam, NET, 9, over)
    t = sweep(sam, NET, 9, over, compile=True)
    assert torch.allclose(t.merit, eager.merit, rtol=1e-4) and torch.allclose(t.w, eager.w[t.kept], atol=1e-5)
    for name, x in eager.info.items():
        assert torch.allclose(t.info[name][:-1], x[:-1], rtol=1e-3)
