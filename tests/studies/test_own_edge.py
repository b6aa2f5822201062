"""The ladder of rates: where it begins, where it stops, and what it says when it never gets there."""

from __future__ import annotations

import pytest

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.studies.rate import rate_of

BOWL = {"problem": "quadratic", "settings": {"condition": 10.0}}


def study(slug, **settings):
    return catalog.study("own_edge", method=slug, **settings)


def test_the_first_rate_puts_the_gauge_at_a_tenth_of_the_limit():
    tables, _ = study("gd", steps=100, every=10, **BOWL).run()
    curvature = 10.0  # of the bowl, whatever the rate
    rates = tables["ladder"]["rate"]
    assert rates[0] == pytest.approx(0.1 * 2 / curvature, rel=2e-3)
    assert rates[1:] == pytest.approx(2 * rates[:-1])


def test_the_ladder_stops_at_the_first_rate_that_crosses():
    tables, verdict = study("gd", steps=100, every=10, seeds=2, **BOWL).run()
    ladder = tables["ladder"]
    assert list(ladder["crossing"]) == [-1, -1, -1, -1, 0]  # 0.1, 0.2, 0.4, 0.8, 1.6 of the limit
    assert ladder["ratio"][:4] == pytest.approx([0.1, 0.2, 0.4, 0.8], rel=5e-3)
    assert {"run", "seed 1"} <= set(tables)
    assert not verdict.holds  # a bowl has no way back to the edge


def test_a_ladder_that_never_crosses_says_how_far_it_came():
    tables, verdict = study("gd", steps=50, every=10, doublings=2, **BOWL).run()
    assert "run" not in tables and not verdict.holds
    assert verdict.value == pytest.approx(0.4, rel=5e-3)
    assert "never meets its own limit" in verdict.sentence


@pytest.mark.slow
def test_a_net_settles_at_the_edge_of_its_first_crossing():
    _, verdict = study("gd", problem="chebyshev_mlp", steps=2000, every=40, seeds=1).run()
    assert 0.9 < verdict.value < 1.1
    assert "first crossing at step" in verdict.sentence


def test_a_method_without_a_law_is_sent_away():
    lawless = next(e.slug for e in catalog.methods() if "no_law" in e.declared)
    with pytest.raises(AtlasError, match="declares its law"):
        study(lawless, **BOWL).run()


def test_a_limit_that_does_not_go_as_one_over_the_rate_is_met_too():
    ladder = study("sam", problem="chebyshev_mlp")
    name, legal = rate_of("sam", {})
    start = ladder._run(name, ladder._first(name, legal), 0, steps=0)
    assert start["gauge"][0] / start["limit"][0] == pytest.approx(0.1, rel=1e-2)
