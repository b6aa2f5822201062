import pytest
import torch

from widgetlib import catalog


def jacobian(game):
    data = game.load()
    return torch.autograd.functional.jacobian(lambda z: game.field(z, data), game.start(seed=1))


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_field_is_that_of_the_players_own_gradients(dimension):
    game = catalog.problem("bilinear_game", dimension=dimension, coupling=2.0, mu=0.3)
    x, y = (part.requires_grad_() for part in game.start(seed=1).split(dimension))
    value = x @ game.load().a @ y + 0.15 * (x @ x - y @ y)
    wanted = torch.cat(torch.autograd.grad(value, (x, y)))
    wanted[dimension:] *= -1
    assert torch.allclose(game.field(torch.cat([x, y]), game.load()).detach(), wanted)


@pytest.mark.parametrize(("dimension", "mu"), [(1, 0.0), (4, 0.0), (4, 0.5)])
def test_spectrum_is_a_rotation_and_a_pull(dimension, mu):
    game = catalog.problem("bilinear_game", dimension=dimension, coupling=2.0, mu=mu)
    values = torch.linalg.eigvals(jacobian(game))
    assert torch.allclose(values.real, torch.full_like(values.real, mu), atol=1e-12)
    wanted = 2 / torch.arange(1, dimension + 1, dtype=torch.float64).repeat_interleave(2)
    assert torch.allclose(values.imag.abs().sort(descending=True).values, wanted, atol=1e-12)


def test_no_coordinate_is_a_singular_vector():
    a = catalog.problem("bilinear_game", dimension=3).load().a
    for gram in (a @ a.T, a.T @ a):
        assert (gram - gram.diag().diag()).abs().sum(0).min() > 1e-2


def test_starts_are_equally_far():
    starts = torch.stack([catalog.problem("bilinear_game").start(seed=i) for i in range(4)])
    assert starts[0].tolist() == [1.5, 1.0] and len(torch.unique(starts, dim=0)) == 4
    assert torch.allclose(starts.norm(dim=1), torch.tensor(3.25, dtype=torch.float64).sqrt())
