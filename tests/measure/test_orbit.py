import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run
from widgetlib.measure.orbit import orbit


def played(**fields):
    return run(catalog.method("extragradient"), catalog.problem("bilinear_game", **fields), 40)


def test_two_unknowns():
    t = played(mu=0.2)
    table = orbit(t, size=9, arrows=5)
    points = torch.tensor(np.stack(np.meshgrid(table["x"], table["y"]), axis=-1))
    field = t.problem.field(points, t.data)
    assert table["loss"] == pytest.approx(field.norm(dim=-1).numpy())
    places = torch.tensor(np.stack(np.meshgrid(table["arrow_x"], table["arrow_y"]), axis=-1))
    field = t.problem.field(places, t.data).numpy()
    assert table["field_x"] == pytest.approx(field[..., 0]) and table["field_y"] == pytest.approx(field[..., 1])
    assert table["arrow_x"].min() > table["x"].min() and table["arrow_x"].max() < table["x"].max()
    assert np.stack([table["path_x"], table["path_y"]], 1) == pytest.approx(t.w.numpy())
    assert (table.attrs["x_label"], table.attrs["y_label"]) == ("x", "y")
    assert table.attrs["solution"] == "equilibrium" and table.attrs["minima"] == [[0.0, 0.0]]


def test_more_unknowns_are_projected():
    """At the last iterate, where the plane touches the path, the arrow is the field's own shadow."""
    t = played(dimension=3)
    table = orbit(t, size=5, arrows=7)
    assert table.attrs["kind"] == "pca" and table["field_x"].shape == (7, 7)
    length = np.hypot(table["field_x"], table["field_y"]).max()
    assert 0 < length < 2 * float(t.merit.max())


def test_a_problem_of_another_world():
    with pytest.raises(AtlasError, match="is no game"):
        orbit(run(catalog.method("gd"), catalog.problem("quadratic"), 3))
