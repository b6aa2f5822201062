"""What a card shows, each view as the world of its problem has it."""

import pytest

from widgetlib import catalog
from widgetlib.widgets.experiment import Experiment, Settings
from widgetlib.widgets.worker import Token


def shown(method, problem, steps=40, **fields):
    """The last heading and picture of each view, and the sentence that ends the work."""
    views, words = {}, []
    experiment = Experiment(
        lambda name, heading, picture: views.update({name: (heading, picture)}), words.append, lambda _: None,
        lambda first, last: None,
    )  # fmt: skip
    experiment.run(Settings(method, problem, fields, steps=steps), Token())
    return views, words[-1]


def test_a_game_shows_field_orbit_and_complex_spectrum():
    views, words = shown("extragradient", "bilinear_game")
    assert {name: heading for name, (heading, _) in views.items()} == {
        "landscape": "Field and orbit", "trajectory": "Along the run",
        "eigenvalues": "Spectrum of the field", "edge": "Edge of stability",
    }  # fmt: skip
    landscape, spectrum = views["landscape"][1], views["eigenvalues"][1]
    assert {"field", "path", "equilibrium"} <= {t["name"] for t in landscape.data}
    assert "purely imaginary" in spectrum.reading and "complex pair" in views["edge"][1].reading
    assert "80 gradients" in words


@pytest.mark.parametrize("problem", ["quadratic", "chebyshev_mlp"])
def test_a_zeroth_order_method_is_drawn_against_the_values_it_asked_for(problem):
    views, words = shown("mezo", problem, lr=1e-4)
    trajectory = views["trajectory"][1]
    assert trajectory.layout["xaxis"]["title"]["text"] == "values (loss values)"
    assert trajectory.cursors[0]["x"][-1] == 80 and "80 values" in words
    assert "eroth order sum" in views["edge"][1].reading


def test_minimisation_is_drawn_against_the_step():
    views, _ = shown("gd", "quadratic")
    assert views["trajectory"][1].layout["xaxis"]["title"]["text"].endswith("(steps)")
    assert views["eigenvalues"][0] == "Eigenvalues of the Hessian"


def test_every_world_that_problems_offer_names_its_views():
    places = ["edge", "eigenvalues", "landscape", "trajectory"]
    for world in {p.world: p for p in catalog.problems()}.values():
        assert sorted(catalog.problem(world.slug).oracle.views) == places
