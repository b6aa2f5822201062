"""Runs side by side: their costs as they were counted, and one plane for all of their paths."""

import numpy as np
import pytest
import torch

import widgetlib as wl
from widgetlib import catalog
from widgetlib.core.words import AtlasError

FLAT = next(p.slug for p in catalog.problems() if p.world == "minimize" and p.declared.get("minima"))
SLUGS = [m.slug for m in catalog.methods() if m.world == "minimize"]


def sweeps(slugs=SLUGS[:3], steps=30, **options):
    problem = wl.problem(FLAT)
    return [wl.sweep(wl.method(s), problem, steps, seeds=range(2), **options) for s in slugs]


def test_a_contest_holds_merit_and_cost_of_every_side():
    traces = sweeps(SLUGS)
    table = wl.measure.contest(traces)
    assert table["side"].tolist() == SLUGS
    for i, t in enumerate(traces):
        np.testing.assert_array_equal(table["loss"][: len(t), i], t.merit.numpy())
        for name in ("gradients", "values", "products"):
            np.testing.assert_allclose(table[name][: len(t), i], t.cost[name].reshape(len(t), -1)[:, 0])
        assert np.isnan(table["steps"][len(t) :, i]).all() and table["steps"][len(t) - 1, i] == len(t) - 1


def test_sides_of_different_problems_or_seeds_are_refused():
    one = sweeps(SLUGS[:1])[0]
    other = wl.run(wl.method(SLUGS[0]), wl.problem(FLAT), 5)
    with pytest.raises(AtlasError, match="same seeds"):
        wl.measure.contest([one, other])
    slug = next(p.slug for p in catalog.problems() if p.world == "minimize" and p.slug != FLAT)
    with pytest.raises(AtlasError, match="one problem"):
        wl.measure.contest([one, wl.run(wl.method(SLUGS[0]), wl.problem(slug), 5)])
    with pytest.raises(AtlasError, match="at least one"):
        wl.measure.shared_plane([])


def test_the_plane_of_two_unknowns_shows_every_path_as_it_is():
    traces = sweeps()
    table = wl.measure.shared_plane(traces, size=9)
    for i, t in enumerate(traces):
        steps = table["path_step"][:, i]
        x = t.w[torch.as_tensor(steps[steps >= 0])][:, 0]
        np.testing.assert_allclose(table["path_x"][steps >= 0, i], x[:, 0])
        np.testing.assert_allclose(table["path_y"][steps >= 0, i], x[:, 1])
    np.testing.assert_allclose(table["off_plane"], 0, atol=1e-12)


def test_a_net_has_one_principal_plane_for_all_paths():
    slug = next(p.slug for p in catalog.problems() if any(f.name == "subset" for f in p.fields))
    problem = wl.problem(slug, subset=60)
    traces = [wl.run(wl.method(s), problem, steps) for s, steps in zip(SLUGS[:2], (20, 12), strict=True)]
    table = wl.measure.shared_plane(traces, size=5)
    assert table.attrs["kind"] == "pca" and (table["path_step"][13:, 1] == -1).all()
    for i in range(2):  # the same start, seen from the same plane
        np.testing.assert_allclose(table["path_x"][0, i], table["path_x"][0, 0])
    assert np.isfinite(table["loss"]).all()
    np.testing.assert_allclose(table["off_plane"][0], 0, atol=1e-5)
    other = wl.measure.shared_plane(traces[::-1], size=5)  # no side is favoured by its place
    np.testing.assert_allclose(np.sort(other["off_plane"][5]), np.sort(table["off_plane"][5]), rtol=1e-3, atol=1e-5)


def test_the_shared_plane_can_be_refined():
    whole, part = (wl.measure.shared_plane(sweeps(), size=41, tol=tol) for tol in (0.0, 1e-3))
    assert "computed" not in whole and not part["computed"].all()
    np.testing.assert_allclose(part["loss"], whole["loss"], atol=1e-3 * np.ptp(whole["loss"]))
    np.testing.assert_array_equal(part["loss"][part["computed"]], whole["loss"][part["computed"]])
    assert part.attrs["error"] <= part.attrs["tol"] == 1e-3


def test_of_a_long_path_both_ends_are_kept():
    table = wl.measure.shared_plane(sweeps(steps=100), size=5, most=10)
    assert table["path_step"].shape == (10, 3)
    assert table["path_step"][0].tolist() == [0, 0, 0] and table["path_step"][-1].max() == 100
