"""Grids of which a part is computed: nothing planted between their points may go unseen or unsaid."""

import numpy as np
import pytest

from widgetlib.measure._refine import refined

SIZE, STEP = 51, 2 / 50
LINE = np.linspace(-1, 1, SIZE)
X, Y = np.meshgrid(LINE, LINE)
SPIKES = [0.5, 0.7, 1.0, 1.5, 3.0]  # widths, in steps of the grid


def spike(width, x=0.305, y=-0.205):
    """A bump between the points of the coarse grids, on a bowl."""
    return 1 + X**2 + Y**2 + np.exp(-((X - x) ** 2 + (Y - y) ** 2) / (2 * (width * STEP) ** 2))


def looked_up(heights, tol=1e-4, lines=(LINE, LINE)):
    found = refined(lambda rows, columns: heights[rows, columns], *lines, tol)
    np.testing.assert_array_equal(found.values[found.computed], heights[found.computed])
    return found


def error(found, heights):
    return np.abs(found.values - heights).max() / np.ptp(heights)


def test_a_quadratic_is_exact_from_its_two_coarsest_grids():
    heights = 2 + X**2 + 3 * Y**2 + X * Y
    found = looked_up(heights)
    np.testing.assert_allclose(found.values, heights, rtol=1e-12)
    assert found.computed.mean() < 0.15 and found.share < 1e-12


SMOOTH = {
    "waves": 3 + np.sin(5 * X) * np.cos(4 * Y), "valley": (1 - 2 * X) ** 2 + 100 * (1 + 2 * Y - 4 * X**2) ** 2,
    "kink": 1 + np.abs(X + 0.3 * Y), "step": 2.0 + (X > 0.31), "narrow waves": 2 + np.sin(25 * X),
}  # fmt: skip


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("tol", [1e-2, 1e-4])
def test_the_error_stays_below_what_is_allowed_and_what_is_said(name, tol):
    found = looked_up(SMOOTH[name], tol)
    assert error(found, SMOOTH[name]) <= 1.05 * min(tol, max(found.share, 1e-15))


def test_smooth_heights_are_cheap_and_a_kink_is_refined_only_where_it_is():
    assert looked_up(2 + np.exp(X) * np.cos(2 * Y)).computed.mean() < 0.25
    kink = looked_up(SMOOTH["kink"]).computed
    away = np.abs(X + 0.3 * Y) > 0.6
    assert kink[~away].mean() > 1.5 * kink[away].mean()


@pytest.mark.parametrize("width", SPIKES)
@pytest.mark.parametrize("place", [(0.305, -0.205), (0.02, 0.46), (-0.66, 0.66)])
def test_a_spike_is_found(width, place):
    heights = spike(width, *place)
    assert error(looked_up(heights), heights) < 1e-4


def test_heights_that_are_drawn_by_their_logarithm_err_little_where_they_are_low():
    valley = 1e-3 + (np.exp(1.5 * X) - 2 * Y) ** 2
    found = looked_up(valley)
    assert (np.abs(found.values - valley) <= 0.011 * valley).all() and not found.computed.all()


def test_what_overflows_spoils_nothing_else():
    heights = 1 + X**2 + Y**2
    heights[:25, :7], heights[25:, :7], heights[24, 24] = np.inf, np.nan, np.nan
    found = looked_up(heights)
    sound = np.isfinite(heights)
    np.testing.assert_array_equal(np.isfinite(found.values), sound)
    np.testing.assert_allclose(found.values[sound], heights[sound], atol=2e-4)
    assert looked_up(np.full_like(X, np.nan)).computed.all()


@pytest.mark.parametrize("shape", [(2, 2), (7, 13), (12, 51), (64, 41)])
def test_grids_of_any_shape(shape):
    lines = [np.linspace(0, 1, n) ** 1.2 for n in shape]  # not evenly spaced either
    heights = np.exp(np.add.outer(*lines))
    found = looked_up(heights, 1e-3, lines)
    assert error(found, heights) < 1e-3 and found.computed[[0, -1]][:, [0, -1]].all()


def test_an_early_end_keeps_what_is_known_and_says_how_well():
    heights = SMOOTH["waves"]

    def until(budget):
        left = [budget]

        def compute(rows, columns):
            n = min(len(rows), left[0])
            left[0] -= n
            return heights[rows[:n], columns[:n]]

        return refined(compute, LINE, LINE, 1e-6)

    first = until(10)  # within the coarsest grid
    assert first.computed.sum() == 10 and np.isnan(first.values[~first.computed]).all() and first.share is None
    second = until(100)  # within the next one, of which nothing is known yet
    assert np.isfinite(second.values).all() and second.share is None
    late = until(400)
    assert 1e-4 < error(late, heights) < 1.5 * late.share
