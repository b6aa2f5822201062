"""What every problem of the catalogue keeps, and what each one promises."""

import pytest
import torch

from widgetlib import catalog
from widgetlib.core.algebra import map_leaves
from widgetlib.core.words import AtlasError

SMALL = {
    "digits_mlp": {"width": 4, "depth": 2, "subset": 50},
    "digits_cnn": {"channels": 2, "subset": 50},
    "digits_logistic": {"subset": 50},
    "chebyshev_mlp": {"width": 4, "points": 10},
}
ENTRIES = [pytest.param(e, id=e.slug) for e in catalog.problems()]


def made(entry, **more):
    return catalog.problem(entry.slug, **SMALL.get(entry.slug, {}), **more)


def merit(problem, w, data):
    """The merit of the problem's world: the loss, or the size of a game's field."""
    return problem.oracle(problem, data).merit_at(w)


def doubled(problem):
    return map_leaves(lambda x: x.double() if x.is_floating_point() else x, problem.load())


@pytest.mark.parametrize("entry", ENTRIES)
def test_declarations(entry):
    problem = made(entry)
    assert entry.title and entry.idea.endswith(".")
    for f in entry.fields:
        assert f.kind == "bool" or f.range or f.choices, f"{f.name} needs a Range or choices"
        assert f.check(f.default, entry.slug) == f.default
    for s in problem.starts:
        w = problem.start(s.name, seed=2)
        assert w.shape == (problem.layout.size,) and w.dtype == problem.dtype
        assert torch.equal(w, problem.start(s.name, seed=2)), "a start is decided by its seed"
    data = problem.load()
    assert problem.samples is None or all(len(part) == problem.samples for part in data)


@pytest.mark.parametrize("entry", ENTRIES)
def test_leading_axes(entry):
    problem = made(entry)
    w = torch.stack([problem.start(seed=i).double() for i in range(6)]).reshape(2, 3, -1)
    whole = merit(problem, w, doubled(problem))
    assert whole.shape == (2, 3, 1)
    for i in range(2):
        for j in range(3):
            assert torch.allclose(whole[i, j], merit(problem, w[i, j], doubled(problem)), rtol=1e-12)


@pytest.mark.parametrize("entry", [p for p in ENTRIES if hasattr(catalog.load_class(p.values[0]), "loss_and_grad")])
def test_written_gradient(entry):
    problem, data = made(entry), doubled(made(entry))
    w = (problem.start().double() + 0.1).expand(4, -1) * torch.tensor([[0.5], [1], [2], [-1]], dtype=torch.float64)
    x = w.clone().requires_grad_()
    value, gradient = problem.loss_and_grad(w, data)
    plain = problem.loss(x, data)
    assert torch.allclose(value, plain, rtol=1e-12)
    slope = torch.autograd.grad(plain.sum(), x, create_graph=True)[0]
    assert torch.allclose(gradient, slope, rtol=1e-10, atol=1e-10)
    y = w.clone().requires_grad_()
    written = problem.loss_and_grad(y, data)[1]
    assert torch.allclose(
        torch.autograd.grad(written, y, w)[0], torch.autograd.grad(slope, x, w)[0], rtol=1e-10, atol=1e-10
    ), "curvature is the derivative of the gradient that is written out"


@pytest.mark.parametrize("entry", ENTRIES)
def test_known_minima_and_window(entry):
    problem = made(entry)
    for m in problem.minima:
        if hasattr(problem, "field"):
            assert problem.field(torch.tensor(m, dtype=torch.float64), problem.load()).abs().max() < 1e-12
            continue
        w = torch.tensor(m, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.grad(problem.loss(w, problem.load()).sum(), w)[0].abs().max() < 1e-12
        assert (torch.linalg.eigvalsh(hessian(problem, w.detach())) > 0).all()
    if problem.window:
        for w in [*map(torch.tensor, problem.minima), *(problem.start(s.name) for s in problem.starts)]:
            assert all(low <= x <= high for x, (low, high) in zip(w.tolist(), problem.window, strict=True))


def hessian(problem, w):
    return torch.autograd.functional.hessian(lambda x: problem.loss(x, doubled(problem)).sum(), w)


def test_quadratic_has_its_condition_number_and_no_axis_is_an_eigenvector():
    bowl = catalog.problem("quadratic", dimension=5, condition=30.0)
    h = bowl.load().hessian
    values = torch.linalg.eigvalsh(h)
    assert torch.allclose(values, 30.0 ** (torch.arange(5, dtype=torch.float64) / 4))
    assert torch.allclose(hessian(bowl, bowl.start()), h, atol=1e-12)
    assert ((h - h.diag().diag()).abs().sum(0) > 0.1).all()
    flat = catalog.problem("quadratic", rotation=0.0).load().hessian
    assert torch.allclose(flat, torch.tensor([1.0, 10.0], dtype=torch.float64).diag())


def test_quadratic_starts_differ_with_the_seed_at_the_same_distance():
    bowl = catalog.problem("quadratic")
    starts = torch.stack([bowl.start(seed=i) for i in range(4)])
    assert starts[0].tolist() == [2, 1] and len(torch.unique(starts, dim=0)) == 4
    assert torch.allclose(starts.norm(dim=1), torch.tensor(5.0, dtype=torch.float64).sqrt())


def test_rosenbrock_has_rosenbrocks_curvature():
    valley = catalog.problem("rosenbrock")
    values = torch.linalg.eigvalsh(hessian(valley, torch.ones(2, dtype=torch.float64)))
    assert values.tolist() == pytest.approx([0.3994, 1001.6006], abs=1e-4)
    assert float(valley.loss(valley.start("classic"), ())) == pytest.approx(24.2)


def test_digits_are_centred_and_one_hot():
    x, y = catalog.problem("digits_mlp").load()
    assert x.shape == (1797, 64) and y.shape == (1797, 10)
    assert x.mean(0).abs().max() < 1e-6 and (y.sum(1) == 1).all()
    part = catalog.problem("digits_mlp", subset=60).load()
    assert part.x.mean(0).abs().max() < 1e-6 and torch.equal(part.y, y[:60])


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
@pytest.mark.parametrize("objective", ["square", "cross_entropy"])
def test_digits_net_against_torchs_own_layers(activation, objective):
    problem = catalog.problem("digits_mlp", width=6, depth=2, activation=activation, objective=objective, subset=50)
    bend = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU, "gelu": torch.nn.GELU}[activation]
    net = torch.nn.Sequential(torch.nn.Linear(64, 6), bend(), torch.nn.Linear(6, 6), bend(), torch.nn.Linear(6, 10))
    w, (x, y) = problem.start(seed=1), problem.load()
    torch.nn.utils.vector_to_parameters(w, net.parameters())
    out = net(x)
    square = 0.5 * torch.nn.functional.mse_loss(out, y, reduction="sum") / len(x)
    wanted = square if objective == "square" else torch.nn.functional.cross_entropy(out, y.argmax(1))
    wanted = wanted.detach()
    assert float(problem.loss(w, problem.load())) == pytest.approx(float(wanted), rel=1e-5)


def test_digits_start_with_outputs_of_unit_scale():
    problem = catalog.problem("digits_mlp")
    parts = problem.layout.views(problem.start())
    assert parts["W1"].shape == (32, 64) and float(parts["W1"].std()) == pytest.approx(1 / 8, rel=0.1)
    assert 0.1 < float(problem.outputs(problem.start(), problem.load()).std()) < 2


def test_unknown_start():
    with pytest.raises(AtlasError, match=r"did you mean upper right\?"):
        catalog.problem("rosenbrock").start("uper right")
