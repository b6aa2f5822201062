from dataclasses import replace

import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run, sweep
from widgetlib.measure.plane import on_plane, plane

NET = catalog.problem("digits_mlp", width=4, depth=1, subset=50)
BOWL = catalog.problem("quadratic", dimension=6, condition=30.0)
GAME = catalog.problem("bilinear_game")
VALLEY = catalog.problem("rosenbrock")


def trained(problem=NET, steps=30):
    return run(catalog.method("gd", lr=0.01 if problem is not VALLEY else 1e-3), problem, steps, dtype=torch.float64)


def axes_of(trace, table):
    """The two directions, recovered from the path: its coordinates are uncorrelated with what is left over."""
    xy = np.stack([table["path_x"], table["path_y"]], axis=1)
    w = trace.w.numpy()
    return np.linalg.lstsq(xy - xy.mean(0), w - w.mean(0), rcond=None)[0]


def losses(trace, origin, axes, table):
    """The problem's own loss at every grid point."""
    x, y = np.meshgrid(table["x"], table["y"])
    points = origin + x[..., None] * axes[0] + y[..., None] * axes[1]
    return trace.problem.loss(torch.as_tensor(points), trace.data).squeeze(-1).numpy()


def test_coordinates():
    t = trained(VALLEY)
    found = plane(t, size=12)
    assert found["loss"] == pytest.approx(losses(t, np.zeros(2), np.eye(2), found), rel=1e-12)
    assert np.stack([found["path_x"], found["path_y"]], 1) == pytest.approx(t.w.numpy())
    assert found["path_loss"] == pytest.approx(t.merit.numpy()) and not found["off_plane"].any()
    assert found.attrs["kind"] == "coordinates" and found.attrs["minima"] == [[1.0, 1.0]]
    assert (found["x"][0], found["x"][-1], found["y"][0], found["y"][-1]) == (-2, 2, -1, 3)


def test_principal_directions():
    t = trained()
    found = plane(t, size=9)
    axes = axes_of(t, found)
    assert axes @ axes.T == pytest.approx(np.eye(2), abs=1e-5)
    assert found["loss"] == pytest.approx(losses(t, t.w[-1].numpy(), axes, found), rel=1e-5)
    spread = np.linalg.svd(t.w.numpy() - t.w.numpy().mean(0), compute_uv=False) ** 2
    assert found.attrs["variance_explained"] == pytest.approx(spread[:2].sum() / spread.sum(), rel=1e-8)
    offset = t.w.numpy() - t.w[-1].numpy()
    assert found["off_plane"] == pytest.approx(np.linalg.norm(offset - offset @ axes.T @ axes, axis=1), abs=1e-5)


def test_random_directions_have_the_lengths_of_the_filters():
    t = trained()
    found = plane(t, "random", size=3, seed=5)
    assert found["x"].tolist() == found["y"].tolist() == [-1, 0, 1]
    assert found["loss"][1, 1] == pytest.approx(float(t.merit[-1]))
    moves = []
    for draw in torch.randn(2, NET.layout.size, generator=torch.Generator().manual_seed(5)).double():
        parts, own = NET.layout.views(draw), NET.layout.views(t.w[-1])
        scaled = {n: p / p.norm(dim=1, keepdim=True) * own[n].norm(dim=1, keepdim=True) if p.ndim > 1 else 0 * p
                  for n, p in parts.items()}  # fmt: skip
        moves.append(NET.layout.flat(scaled).numpy())
    assert found["loss"] == pytest.approx(losses(t, t.w[-1].numpy(), moves, found), rel=1e-9)
    assert (plane(t, "random", size=3, seed=6)["loss"] != found["loss"]).any()


def test_random_directions_without_matrices_have_the_length_of_the_point():
    t = trained(BOWL)
    found = plane(t, "random", size=3)
    shift = t.w[0] - t.w[-1]
    assert np.ptp(found["loss"]) > 0
    assert found["off_plane"][0] <= float(shift.norm())


def test_points_and_the_distance_of_a_path_built_off_the_plane():
    t = trained(BOWL, 3)
    a, b, up = torch.eye(6, dtype=torch.float64)[:3]
    last = t.w[-1]
    t = replace(t, w=torch.stack([last + a + 2 * b + 0.5 * up, last + a, last + 2 * (a + b), last]))
    found = plane(t, "points", size=5, points=(last + a, last + a + b))
    assert found["off_plane"] == pytest.approx([0.5, 0, 0, 0], abs=1e-12)
    assert found["path_x"] == pytest.approx([-1, 1, 0, 0], abs=1e-12)
    assert found["path_y"] == pytest.approx([2, 0, 2, 0], abs=1e-12)
    assert found["loss"] == pytest.approx(losses(t, last.numpy(), [a.numpy(), (a + b).numpy()], found), rel=1e-10)


@pytest.mark.parametrize("kind", ["pca", "random", "points", "eigenvectors"])
@pytest.mark.parametrize("tol", [0.0, 1e-4])
def test_a_slice_of_a_quadratic_is_that_quadratic(kind, tol):
    t = trained(BOWL, 20)
    points = (t.w[0], t.w[-1] + torch.arange(6.0).double()) if kind == "points" else None
    table, slice_ = on_plane(t, kind, size=33, points=points, tol=tol)
    x, y = (torch.as_tensor(grid.ravel()) for grid in np.meshgrid(table["x"], table["y"]))
    origin, (a, b), h = slice_.origin, slice_.axes, t.data.hessian
    closed = (origin @ h @ origin) / 2 + x * (a @ h @ origin) + y * (b @ h @ origin)
    closed += x * x * (a @ h @ a) / 2 + x * y * (a @ h @ b) + y * y * (b @ h @ b) / 2
    assert table["loss"].ravel() == pytest.approx(closed.numpy(), rel=1e-9, abs=1e-9)
    if tol:
        assert table["computed"].mean() < 0.4 and table.attrs["error"] < 1e-9
    else:
        assert "computed" not in table and "error" not in table.attrs


def test_a_symmetric_loss_gives_a_symmetric_slice():
    """Rows walked there and back, with every other one a step too far, are a known fault of a peer."""
    t = trained(catalog.problem("quadratic", rotation=0.0), 3)
    for tol in (0.0, 1e-4):
        loss = plane(t, size=51, tol=tol)["loss"]
        for mirrored in (loss[::-1], loss[:, ::-1]):
            assert loss == pytest.approx(mirrored, rel=1e-9, abs=1e-12)
    walked = loss.copy()
    walked[::2] = np.roll(loss, -1, axis=1)[::2]
    assert (np.abs(walked - walked[:, ::-1]) > 0.01).any()


def test_eigenvectors_of_the_hessian():
    t = trained(BOWL, 20)
    table, slice_ = on_plane(t, "eigenvectors", size=5)
    values, vectors = torch.linalg.eigh(t.data.hessian)
    overlap = (slice_.axes @ vectors.flip(1)[:, :2]).abs()
    assert overlap.numpy() == pytest.approx(np.eye(2), abs=1e-3)
    x, end = table["x"], float(t.merit[-1])
    assert x[0] <= -np.sqrt(18 * end / 30) and x[-1] >= np.sqrt(18 * end / 30)  # ten times the loss is in sight
    assert values[-1] == pytest.approx(30)


@pytest.mark.parametrize("kind", ["coordinates", "pca", "random", "points", "eigenvectors"])
def test_variance_explained_and_extent(kind):
    t = trained(VALLEY if kind == "coordinates" else BOWL, 20)
    points = (t.w[0], t.w[-1] + torch.arange(6.0).double()) if kind == "points" else None
    table, slice_ = on_plane(t, kind, size=3, points=points)
    w, axes = t.w.numpy(), slice_.axes.numpy()
    centred = w - w.mean(0)
    left = centred - np.linalg.lstsq(axes.T, centred.T, rcond=None)[0].T @ axes
    assert table.attrs["variance_explained"] == pytest.approx(1 - (left**2).sum() / (centred**2).sum(), abs=1e-9)
    assert table.attrs["extent"] == pytest.approx(np.linalg.norm(w - w[0], axis=1).max())


def test_the_error_of_a_refined_net_is_what_it_says():
    for height in ("loss", "gradient_norm"):
        exact, found = (plane(trained(), "random", size=41, height=height, tol=tol) for tol in (0.0, 1e-3))
        whole, part = exact[height], found[height]
        assert (
            np.abs(part - whole).max() <= found.attrs["error"] * np.ptp(whole) * 1.05 and found.attrs["error"] <= 1e-3
        )
        assert part[found["computed"]] == pytest.approx(whole[found["computed"]], rel=1e-12)
        assert found["computed"].mean() < 0.6


def test_long_paths_are_thinned_and_end_at_the_last_iterate():
    found = plane(trained(BOWL, 100), size=4, most=20)
    assert len(found["path_step"]) <= 21 and found["path_step"][-1] == 100


def test_rows_come_one_by_one_and_may_end_early():
    seen = []
    found = plane(trained(), size=8, on_row=lambda done: bool(seen.append(done)) or done >= 3)
    assert np.isfinite(found["loss"][: seen[-1]]).all() and np.isnan(found["loss"][seen[-1] :]).all()
    assert seen[-1] >= 3


@pytest.mark.parametrize(("rows", "points", "finite"), [(1, 41, False), (3, 121 + 41, True)])
def test_a_refined_grid_may_end_early_too(rows, points, finite):
    """Within its coarsest grid of 121 points, and within the next one, whose error is unknown yet."""
    budget = {"memory": 4 * 8 * 500}  # one point at once
    found = plane(trained(), size=41, tol=1e-4, on_row=lambda done: done >= rows, **budget)
    assert found["computed"].sum() == points and found.attrs["error"] is None
    assert np.isfinite(found["loss"]).all() == finite and np.isfinite(found["loss"][found["computed"]]).all()


def test_what_blew_up_decides_neither_window_nor_directions():
    t = run(catalog.method("gd", lr=10.0), VALLEY, 30)
    found = plane(t, size=5)
    assert np.isfinite(found["loss"]).all() and found["x"][0] >= -6
    t = run(catalog.method("gd", lr=0.1), BOWL, 200)  # doubles at each step
    found = plane(t, "pca", size=5)
    assert found["loss"].max() < 1e4 * float(t.merit[0]) and found.attrs["extent"] < 1e3


@pytest.mark.parametrize(
    ("make", "say"),
    [
        (lambda: plane(trained(), size=1), "at least 2"),
        (lambda: plane(sweep(catalog.method("gd"), BOWL, 2, seeds=range(2))), "pick a member"),
        (lambda: plane(trained(), "coordinates"), "use kind='pca'"),
        (lambda: plane(trained(steps=0), "pca"), "take more steps"),
        (lambda: plane(trained(), "points"), "two points"),
        (lambda: plane(t := trained(BOWL, 2), "points", points=(t.w[-1] + 1, t.w[-1] - 2)), "span a plane"),
        (lambda: plane(t := trained(BOWL, 2), "points", points=(t.w[-1] + 1, t.w[-1])), "span a plane"),
        (lambda: plane(trained(), "circle"), "coordinates, pca, random, points, eigenvectors"),
        (lambda: plane(trained(), tol=1.0), "below 1"),
        (lambda: plane(t := trained(BOWL, 2), "points", points=(t.w[-1] * torch.nan, t.w[0])), "are not finite"),
        (lambda: plane(t := trained(BOWL, 2), "points", points=(t.w[-1][:3], t.w[0])), "has 6 unknowns"),
        (lambda: plane(run(catalog.method("extragradient"), GAME, 2), "eigenvectors"), "no Hessian"),
        (lambda: plane(run(catalog.method("gd"), VALLEY, 0, start=[1e200, 1.0])), "smaller rate"),
    ],
)
def test_says_what_to_do(make, say):
    with pytest.raises(AtlasError, match=say):
        make()
