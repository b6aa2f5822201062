import numpy as np
import pytest

from widgetlib import catalog
from widgetlib.engine.run import run
from widgetlib.measure.update_map import spectrum


def test_diverges_just_beyond_its_edge_and_only_there():
    bowl = catalog.problem("quadratic", dimension=5, condition=30.0)
    edge = (2 + 2 * 0.9) / 30
    below, beyond = (run(catalog.method("heavy_ball", lr=x * edge, beta=0.9), bowl, 5000) for x in (0.99, 1.01))
    assert below.merit[-1] < 1e-10 * below.merit[0]
    assert beyond.merit[-1] > 1e10 * beyond.merit[0]


def test_rings_with_modulus_root_beta_below_its_edge():
    bowl = catalog.problem("quadratic", dimension=5, condition=30.0)
    modes = spectrum(run(catalog.method("heavy_ball", lr=0.1, beta=0.8), bowl, 3).at(3), True, 20).values
    ringing = modes[np.abs(modes.imag) > 1e-6]
    assert len(ringing) == 10
    assert np.abs(ringing) == pytest.approx(0.8**0.5, abs=1e-9)
