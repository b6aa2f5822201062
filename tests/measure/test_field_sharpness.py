import numpy as np
import pytest

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run, sweep
from widgetlib.measure import field_sharpness as module
from widgetlib.measure.field_sharpness import FieldSharpness, field_sharpness, gauge

GAME = catalog.problem("bilinear_game", dimension=8, coupling=2.0, mu=0.1)


def played(steps=30, **fields):
    return run(catalog.method("extragradient", **fields), GAME, steps)


@pytest.mark.parametrize("dense", [0, 1000])
def test_leading_modes(dense, monkeypatch):
    monkeypatch.setattr(module, "DENSE", dense)
    table = field_sharpness(played(), k=3, every=10)
    assert table["step"].tolist() == [0, 10, 20, 30]
    wanted = np.array([0.1 + 2j, 0.1 - 2j, 0.1 + 1j, 0.1 - 1j, 0.1 + 2j / 3, 0.1 - 2j / 3])
    assert table["eigenvalue"] == pytest.approx(np.tile(wanted, (4, 1)), abs=1e-5)
    assert (table["residual"] < 1e-5).all()


def test_gauge_and_limit():
    t = played(lr=0.2)
    table = field_sharpness(t)
    size = abs(0.1 + 2j)
    assert table["gauge"] == pytest.approx(np.full(len(table["step"]), size))
    assert table["limit"] == pytest.approx(np.full(len(table["step"]), 5.0))
    assert gauge(t.at(3)) == pytest.approx((size, 0.0))
    assert table.attrs["gauge"] == "field_sharpness"


def test_nothing_measured_yet():
    table = FieldSharpness().table({})
    assert len(table["step"]) == 0 and table["eigenvalue"].shape[0] == 0


def test_errors():
    with pytest.raises(AtlasError, match="is no game"):
        field_sharpness(run(catalog.method("gd"), catalog.problem("quadratic"), 2))
    with pytest.raises(AtlasError, match="at least 1"):
        FieldSharpness(k=0)
    with pytest.raises(AtlasError, match="pick a member"):
        FieldSharpness().observe(sweep(catalog.method("extragradient"), GAME, 2, seeds=[0, 1]).at(1))
