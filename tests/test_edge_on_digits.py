"""Real digits at the edge of stability: every method settles at its own limit, not at 2/lr for all."""

import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.engine.run import sweep
from widgetlib.measure.sharpness import Sharpness

STEPS, SEEDS = 3000, range(3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("slug", "fields", "within"),
    [
        ("gd", {"lr": 0.4}, 0.03),
        ("heavy_ball", {"lr": 0.6, "beta": 0.9}, 0.03),
        ("adam", {"lr": 3e-3}, 0.07),
        ("sam", {"rho": 0.05, "base.lr": 0.1}, 0.07),
    ],
)
def test_late_gauge_stands_at_the_methods_own_limit(slug, fields, within, capsys):
    torch.set_num_threads(1)  # a net this small loses with more
    trace = sweep(catalog.method(slug, **fields), catalog.problem("digits_mlp"), STEPS, seeds=SEEDS)
    meters = [Sharpness(k=0, tol=1e-3) for _ in SEEDS]
    for point in trace.points(50, first=STEPS * 4 // 5):
        for i, meter in enumerate(meters):
            meter.observe(point.member(i))
    medians = []
    for seed, meter in zip(SEEDS, meters, strict=True):
        table = meter.table({})
        assert (table["gauge_residual"] <= 2e-3 * table["gauge"]).all(), "the eigensolver did not converge"
        ratio = table["gauge"] / table["limit"]
        medians.append(np.median(ratio))
        with capsys.disabled():
            print(
                f"\n{slug} {fields}, seed {seed}: gauge / limit {medians[-1]:.4f} (from {ratio.min():.3f} to "
                f"{ratio.max():.3f}), loss {float(trace.merit[-1, seed]):.5f}",
                end="",
            )
    assert np.abs(np.array(medians) - 1).max() < within
