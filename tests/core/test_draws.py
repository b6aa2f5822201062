"""Mini-batches: the same for a seed wherever it stands, and every subset equally likely."""

import numpy as np
import pytest

from widgetlib.core import draws
from widgetlib.core.draws import rows


def many(samples, batch, steps=400, seeds=range(10)):
    """Batches of many steps and seeds, `(-1, batch)`."""
    return np.concatenate([rows(list(seeds), k, 0, samples, batch) for k in range(steps)])


@pytest.mark.parametrize(("samples", "batch"), [(1797, 32), (60, 30), (60, 31), (60, 60), (60, 1), (7, 6), (1, 1)])
def test_rows_are_distinct_and_legal(samples, batch):
    found = many(samples, batch, 20)
    assert found.shape == (200, batch) and found.min() >= 0 and found.max() < samples
    assert all(len(set(row)) == batch for row in found.tolist())


@pytest.mark.parametrize(("samples", "batch"), [(9, 3), (9, 7), (40, 4)])
def test_every_row_and_every_pair_is_equally_likely(samples, batch):
    """Counts over 4000 batches against the binomial's own spread."""
    found = many(samples, batch)
    inside = np.zeros((len(found), samples))
    np.put_along_axis(inside, found, 1, 1)
    single, pairs = inside.mean(0), (inside.T @ inside / len(inside))[np.triu_indices(samples, 1)]
    for share, wanted in ((single, batch / samples), (pairs, batch * (batch - 1) / (samples * (samples - 1)))):
        spread = (wanted * (1 - wanted) / len(found)) ** 0.5
        assert np.abs(share - wanted).max() < 4.5 * spread


def test_neighbours_share_no_more_than_chance():
    """Neighbouring steps, seeds and calls: the rows that two batches of 100 out of 1000 have in common."""
    for a, b in (((0, 0, 0), (1, 0, 0)), ((0, 0, 0), (0, 1, 0)), ((0, 0, 0), (0, 0, 1)), ((3, 5, 0), (5, 3, 0))):
        common = [
            len(np.intersect1d(*(rows(s + 7 * i, k + 11 * i, c, 1000, 100) for s, k, c in (a, b)))) for i in range(300)
        ]
        assert np.mean(common) == pytest.approx(10, abs=4 * 2.85 / 300**0.5), "ten are common by chance"


def test_a_member_draws_what_its_seed_draws_alone():
    seeds = [[4, -9, 4], [2**62, 0, 7]]
    for k in (0, draws.BLOCK - 1, draws.BLOCK, 1000):
        whole = rows(seeds, k, 1, 50, 8)
        assert whole.shape == (2, 3, 8)
        for i in range(2):
            for j in range(3):
                assert np.array_equal(whole[i, j], rows(seeds[i][j], k, 1, 50, 8))


def test_draws_do_not_depend_on_what_was_drawn_before():
    first = [rows(3, k, 0, 500, 20) for k in range(40)]
    draws._block.cache_clear()
    for k in reversed(range(40)):
        assert np.array_equal(rows(3, k, 0, 500, 20), first[k])


def test_a_stream_that_was_too_short_goes_on():
    """The first eight draws are kept however many more it takes."""
    key = np.arange(2000, dtype=np.uint64)
    found = draws._distinct(key, 8, 8)  # eight different numbers of eight need 22 draws on average
    assert (np.sort(found, -1) == np.arange(8)).all()
    assert np.array_equal(draws._distinct(key, 8, 3), found[:, :3])
