"""The figures of a comparison: one clock for all sides, marks that tell them apart, and what they say."""

import numpy as np
import pytest
from tables import attrs, drawable, iterates, named, plane, rosenbrock

from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError
from widgetlib.figures.paths import paths
from widgetlib.figures.progress import progress
from widgetlib.figures.rivals import AXES, clock, diverged, marks, within
from widgetlib.figures.theme import DASHES, colour

RATES = {"gd": 1e-3, "slow": 5e-4}


def contest(merits, price=None, values=None, **more):
    """A contest table of (steps + 1, seeds) merits by side; `price` gradients a step, 1 without."""
    sides, longest = list(merits), max(map(len, merits.values()))

    def padded(a):
        return np.pad(np.asarray(a, dtype=float), [(0, longest - len(a))] + [(0, 0)] * (np.ndim(a) - 1),
                      constant_values=np.nan)  # fmt: skip

    steps = {s: np.arange(len(m), dtype=float) for s, m in merits.items()}
    columns = {
        "side": (sides, ["side"]),
        "title": ([s.title() for s in sides], ["side"]),
        "step": (np.arange(longest), ["step"]),
        "loss": (np.stack([padded(merits[s]) for s in sides], 1), ["step", "side", "seed"]),
    }
    free, fast = dict.fromkeys(sides, 0), dict.fromkeys(sides, 1e-4)
    for axis in AXES:
        each = {"gradients": price or {}, "values": values or free, "products": free, "seconds": fast}.get(axis, {})
        columns[axis] = (np.stack([padded(steps[s] * each.get(s, 1)) for s in sides], 1), ["step", "side"])
    return Table(columns, {k: v for k, v in attrs(**more).items() if not k.startswith("method")})


def falling(rate, steps=100, seeds=1, spread=0.0):
    return np.exp(-rate * np.arange(steps + 1))[:, None] * (1 + spread * np.arange(seeds))


def two(**options):
    """Two sides of which the faster asks for two gradients a step."""
    merits = {"fast": falling(0.1, **options), "slow": falling(0.03, **options)}
    return contest(merits, price={"fast": 2})


def shared(steps=100):
    """A plane with the paths of gradient descent at two rates, and the contest of the same runs."""
    tracks = {name: iterates(lr=lr, steps=steps)[0] for name, lr in RATES.items()}
    ground = plane(steps=steps)
    columns = {n: ground.column(n) for n in ("x", "y", "loss")}
    for name, pick in (("path_x", lambda p: p[:, 0]), ("path_y", lambda p: p[:, 1]),
                       ("path_loss", lambda p: rosenbrock(*p.T)), ("off_plane", lambda p: np.zeros(len(p))),
                       ("path_step", lambda p: np.arange(len(p)))):  # fmt: skip
        columns[name] = (np.stack([pick(p) for p in tracks.values()], 1), ["iterate", "side"])
    columns["side"] = (list(tracks), ["side"])
    merits = {name: rosenbrock(*p.T)[:, None] for name, p in tracks.items()}
    return Table(columns, ground.attrs), contest(merits, price={"slow": 2})


def test_the_budget_is_what_the_cheapest_side_spent_in_all():
    at = clock(two(), "gradients")
    assert (at.budget, at.last, at.sides) == (100, 100, (0, 1))
    assert within(two(), at, 0).sum() == 51 and within(two(), at, 1).sum() == 101


def test_cursors_are_linked_at_equal_cost():
    """With two gradients a step a marker moves at half speed."""
    table = two()
    fast, slow = progress(table).cursors
    assert fast["step"][30] == slow["step"][60] == 60
    assert fast["x"][30] == slow["x"][60] == 60
    steps = progress(table, "steps").cursors
    assert all(c["step"][60] == 60 for c in steps)


def test_both_figures_have_the_same_clock():
    ground, table = shared()
    for cost in ("steps", "gradients", "seconds"):
        a, b = progress(table, cost), paths(ground, table, cost)
        assert len(a.cursors) == len(b.cursors) == 2
        for one, other in zip(a.cursors, b.cursors, strict=True):
            np.testing.assert_array_equal(one["step"], other["step"])
            assert one["step"][-1] <= clock(table, cost).last


def test_a_budget_below_one_is_cut_into_ticks():
    at = clock(two(), "seconds")
    assert at.last >= 100 and at.unit in ("0.1 ms", "10 µs") and at.ticks(np.array([at.budget]))[0] == at.last
    assert np.isclose(at.last / at.scale, at.budget)


def test_an_unknown_axis_is_one_sentence():
    with pytest.raises(AtlasError, match="moons"):
        progress(two(), "moons")


@pytest.mark.parametrize("seeds", [1, 5])
def test_progress_is_drawable_with_a_band_for_several_seeds(seeds):
    picture = drawable(progress(two(seeds=seeds, spread=0.2)))
    bands = [t for t in picture.data if t.get("fill") == "toself"]
    assert len(bands) == (2 if seeds > 1 else 0)
    if bands:
        outline, line = bands[1]["y"], named(picture, "Slow")["y"]
        assert np.nanmin(outline) < line.min() and np.nanmax(outline) > line.max()


def test_the_reading_says_who_is_lowest_by_how_much_and_in_how_many_seeds():
    text = progress(two(seeds=3, spread=0.1)).reading
    fast, slow = np.exp(-5) * 1.1, np.exp(-3) * 1.1
    assert text.startswith(f"After 100 gradients Fast is lowest, at loss {fast:.3g}; the next, Slow, is at {slow:.3g}")
    assert f"{slow / fast:.3g} times as much" in text and "higher in all 3 seeds" in text


def test_at_equal_steps_the_same_runs_read_otherwise():
    assert f"{np.exp(-10):.3g}" in progress(two(), "steps").reading


def test_seeds_that_make_no_difference_are_said_to():
    assert "All 3 seeds give the same run" in progress(two(seeds=3)).reading
    assert "seeds" not in progress(two()).reading


def test_a_side_that_diverges_is_named_and_does_not_cut_the_budget():
    wild = 10.0 ** np.arange(0, 60, 4)[:, None]
    table = contest({"calm": falling(0.1), "wild": wild})
    assert diverged(table, 1) == 8 and clock(table, "gradients").budget == 100
    text = drawable(progress(table)).reading
    assert "Wild diverges at step 8." in text and "After 100 gradients Calm is at loss" in text
    both = progress(contest({"wild": wild, "other": wild})).reading
    assert both == "Wild and Other diverge, at steps 8 and 8."


def test_a_side_that_spends_nothing_on_the_axis_is_left_out_and_named():
    table = contest({"blind": falling(0.1), "gd": falling(0.05)}, price={"blind": 0}, values={"blind": 2, "gd": 0})
    for cost, there, absent in (("gradients", "Gd", "Blind"), ("values", "Blind", "Gd")):
        picture = drawable(progress(table, cost))
        assert f"{absent} asks for no {AXES[cost]}" in picture.reading
        assert {t["name"] for t in picture.data} == {there, "cursor"}
    assert "Not counted on this axis" not in progress(table, "steps").reading
    empty = progress(table, "products")
    assert not empty.data and "choose another axis" in empty.reading


def test_what_an_axis_does_not_count_is_said():
    table = contest({"a": falling(0.1), "b": falling(0.05)}, values={"a": 3, "b": 0})
    assert "Not counted on this axis: 300 loss values of A." in progress(table).reading


def test_paths_are_cut_at_the_budget_and_drawable():
    ground, table = shared()
    picture = drawable(paths(ground, table))
    assert [t["name"] for t in picture.data if t["name"] == "cursor"] == ["cursor"] * 2
    whole, half = named(picture, "Gd"), named(picture, "Slow")
    assert whole["x"][-1] == ground["path_x"][-1, 0] and half["x"][-1] == ground["path_x"][50, 1]
    assert "From the same start 2 paths up to 100 gradients" in picture.reading
    assert len([t for t in picture.data if t["type"] == "contour"]) == 1


def test_paths_need_the_tables_of_the_same_runs():
    ground, table = shared()
    with pytest.raises(AtlasError, match="same runs"):
        paths(ground, two())
    assert "none of these methods" in drawable(paths(ground, table, "products")).reading


def test_sides_of_one_colour_differ_in_dash():
    slugs = [f"method_{i}" for i in range(200)]
    alike = [s for s in slugs if colour(s) == colour(slugs[0])][: len(DASHES)]
    found = marks(alike)
    assert {m.colour for m in found.values()} == {colour(slugs[0])}
    assert [m.dash for m in found.values()] == list(DASHES)
    assert len({m.symbol for m in found.values()}) == len(DASHES)
    assert marks(alike[::-1])[alike[-1]].dash == "solid"


def test_a_projection_says_what_it_hides():
    ground, table = shared()
    off = np.linspace(0, 0.5, len(ground["path_x"]))[:, None] * np.ones(2)
    columns = ground.columns | {"off_plane": (off, ["iterate", "side"])}
    far = Table(columns, ground.attrs | {"dimension": 40, "minima": [], "variance_explained": 0.75})
    text = drawable(paths(far, table)).reading
    assert "projected from 40 dimensions on a plane through the start: iterates lie up to 0.5 off it" in text
    assert text.endswith("it holds 75 % of their variance.")
