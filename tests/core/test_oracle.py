import math

import pytest
import torch

from widgetlib import catalog
from widgetlib.core.algebra import dot, frozen, leaves, map_leaves, norm, slow
from widgetlib.core.oracle import Cost, FiniteSum, Minimize

NET = catalog.problem("digits_mlp", width=4, depth=1, subset=60)
VALLEY = catalog.problem("rosenbrock")


def net(k=0, seeds=0, batch=None):
    return FiniteSum(NET, NET.load(), k, seeds, batch, Cost())


def valley():
    return Minimize(VALLEY, (), cost=Cost())


W = torch.tensor([0.3, -0.7], dtype=torch.float64)


def test_answers():
    h = torch.autograd.functional.hessian(lambda w: VALLEY.loss(w, ()).sum(), W)
    oracle = valley()
    assert torch.equal(oracle.loss(W), VALLEY.loss(W, ())) and oracle.loss(W).shape == (1,)
    x = W.clone().requires_grad_()
    assert torch.allclose(oracle.grad(W), torch.autograd.grad(VALLEY.loss(x, ()), x)[0])
    assert torch.allclose(oracle.hvp(W, h[0]), h @ h[0]) and torch.allclose(oracle.hessian(W), h)


def test_charges():
    oracle = valley()
    for ask in (oracle.loss, oracle.grad, oracle.grad, lambda w: oracle.hvp(w, w), oracle.hessian):
        ask(W)
    assert vars(oracle.cost) == {"values": 1, "gradients": 2, "products": 3}
    product = oracle.curvature(W)
    product(W), product(W)
    oracle.noise(W), oracle.uncounted().grad(W)
    assert vars(oracle.cost) == {"values": 1, "gradients": 2, "products": 5}


def test_a_mini_batch_is_charged_by_its_share():
    oracle, w = net(batch=6), NET.start()
    oracle.grad(w), oracle.loss(w), oracle.fresh().grad(w), oracle.hvp(w, w)
    assert vars(oracle.cost) == pytest.approx({"values": 0.1, "gradients": 0.2, "products": 0.1})


def test_gradient_keeps_the_graph_only_where_it_is_asked_for():
    oracle = valley()
    assert not oracle.grad(W).requires_grad
    x = W.clone().requires_grad_()
    g = oracle.grad(x)
    assert g.requires_grad and torch.autograd.grad(g[0], x)[0].abs().sum() > 0
    with torch.no_grad():
        assert not oracle.grad(x).requires_grad
        assert not net().grad(NET.start().requires_grad_()).requires_grad


def test_products_with_a_graph():
    x = W.clone().requires_grad_()
    third = torch.autograd.grad((valley().hvp(x, W) * W).sum(), x)[0]
    y = W.clone().requires_grad_()
    h = torch.autograd.functional.hessian(lambda w: VALLEY.loss(w, ()).sum(), y, create_graph=True)
    assert torch.allclose(third, torch.autograd.grad(W @ h @ W, y)[0])


def test_batches_are_a_function_of_seed_step_and_call():
    def rows(oracle):
        return oracle.sample.y.argmax(-1).tolist() + oracle.sample.x.sum(-1).tolist()

    assert rows(net(3, 5, 8)) == rows(net(3, 5, 8))
    different = [net(3, 5, 8), net(4, 5, 8), net(3, 6, 8), net(3, 5, 8).fresh()]
    assert len({tuple(rows(o)) for o in different}) == 4
    once = net(3, 5, 8)
    assert once.sample is once.sample and once.seen_from(lambda w: w).sample.x.shape == (8, 64)
    assert rows(once.seen_from(lambda w: w)) == rows(once), "all calls of a step see the same batch"


def test_members_see_the_batches_of_their_seeds():
    whole = net(2, [[4, 9, 4]], 8)
    assert whole.sample.x.shape == (1, 3, 8, 64)
    for i, seed in enumerate((4, 9, 4)):
        assert torch.equal(whole.sample.x[0, i], net(2, seed, 8).sample.x)


def test_a_batch_of_all_samples_is_the_full_loss():
    w = NET.start()
    assert torch.allclose(net(batch=60).loss(w), net().loss(w), rtol=1e-5)


@pytest.mark.parametrize("lead", [(), (2,), (2, 3)])
def test_gradients_of_single_samples(lead):
    w = NET.start() + 0.1 * torch.randn(*lead, NET.layout.size, generator=torch.Generator().manual_seed(0))
    oracle = net()
    each = oracle.per_sample_grad(w)
    assert each.shape == (*lead, 60, NET.layout.size) and oracle.cost.gradients == 1
    assert torch.allclose(each.mean(-2), net().grad(w), atol=1e-6)


def test_noise():
    oracle, w = net(1, [[3], [7]]), torch.zeros(2, 5, 4000, dtype=torch.float64)
    draw = oracle.noise(w)
    assert draw.shape == w.shape and torch.equal(draw[0, 0], draw[0, 4]), "members of one seed share their noise"
    assert not torch.equal(draw[0, 0], draw[1, 0])
    assert torch.equal(draw[1], net(1, 7).noise(w[1])), "and equal the single run"
    assert abs(float(draw[0, 0].mean())) < 4 / math.sqrt(4000) and abs(float(draw[0, 0].std()) - 1) < 0.05
    assert not torch.equal(oracle.noise(w), draw), "another call is another draw"
    assert set(oracle.noise(w, "rademacher").flatten().tolist()) == {-1.0, 1.0}


def test_seen_from_elsewhere():
    oracle = valley()
    moved = oracle.seen_from(lambda w: w + 1)
    assert torch.equal(moved.grad(W), valley().grad(W + 1)) and torch.equal(moved.loss(W), valley().loss(W + 1))
    twice = moved.seen_from(lambda w: 2 * w)
    assert torch.equal(twice.grad(W), valley().grad(2 * W + 1))
    assert oracle.cost.gradients == 2, "views are charged to the same counters"
    assert oracle.seen is None, "a gradient at another point is not the loss here"


def test_remembers_the_loss_at_the_first_gradient():
    oracle = valley()
    oracle.grad(W), oracle.grad(W + 1)
    assert oracle.seen.w is W and torch.allclose(oracle.seen.merit, VALLEY.loss(W, ()))
    part = net(batch=5)
    part.grad(NET.start())
    assert part.seen is None, "a mini-batch's loss is not the loss"


def test_reductions_and_trees():
    a = torch.arange(6.0).reshape(2, 3)
    assert dot(a, a).tolist() == [[5], [50]] and norm(a).squeeze(-1).tolist() == pytest.approx([5**0.5, 50**0.5])
    tree = (a, (), (a + 1, (a + 2,)))
    assert [x[0, 0].item() for x in leaves(tree)] == [0, 1, 2]
    assert leaves(map_leaves(torch.add, tree, tree))[2][0, 0] == 4


def test_slow_is_constant_only_inside_frozen():
    x = torch.ones(2, requires_grad=True)
    with frozen():
        assert not slow(x).requires_grad
        with frozen():
            pass
        assert not slow(x).requires_grad
    assert slow(x) is x
