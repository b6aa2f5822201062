"""The generic studies decide what can be worked out by hand, for and against."""

import numpy as np
import pytest

from widgetlib import catalog
from widgetlib.core.study import interval
from widgetlib.core.words import AtlasError, Claim, Verdict
from widgetlib.figures.curves import curves
from widgetlib.figures.race import race
from widgetlib.studies import runner, verdicts

QUADRATIC = {"problem": "quadratic", "settings": {"condition": 100.0}}


def study(slug, **settings):
    tables, verdict = catalog.study(slug, **settings).run()
    return next(iter(tables.values())), verdict


def test_a_race_that_theory_decides_comes_out_both_ways():
    table, verdict = study("race", method="heavy_ball", baselines=("gd",), budget=100, ratio=0.1, **QUADRATIC)
    assert verdict.holds and verdict.high <= 0.1
    assert np.all(table["rate"] > 0) and table["merit"].shape == (2, 101, 5)
    picture = race(table)
    assert len(picture.data) == 4 and picture.reading.index("heavy_ball") < picture.reading.index("gd ")
    _, other = study("race", method="gd", baselines=("heavy_ball",), budget=100, ratio=1.0, **QUADRATIC)
    assert not other.holds and other.low > 1


def test_a_race_counts_what_a_step_costs():
    table, _ = study("race", method="sam", baselines=("gd",), budget=40, seeds=2, trials=4, **QUADRATIC)
    assert table["merit"].shape[1] == 21  # two gradients a step: half the steps, drawn against the same cost
    assert table["spent"][-1] == 40


def test_scaling_the_loss_changes_the_path_of_one_and_not_of_the_other():
    table, verdict = study("scaling", method="adam", problem="rosenbrock", fields={"lr": 0.01, "eps": 1e-12})
    assert verdict.holds and verdict.high < 1e-6
    assert "lowest" in curves(table).reading
    _, verdict = study("scaling", method="gd", problem="rosenbrock", fields={"lr": 1e-4}, factor=2.0)
    assert not verdict.holds and verdict.low > 0.01
    _, verdict = study("scaling", method="gd", problem="rosenbrock")  # diverges when scaled: that is no tie
    assert not verdict.holds and verdict.value == np.inf


def test_a_sweep_measures_the_width_in_decades():
    # on the bowl of condition 1 a step multiplies the distance by 1 - lr: below a tenth of the loss within 100
    # steps from lr = 1 - 0.1^(1/200) = 0.0114 to nearly 2, which is 2.24 decades
    table, verdict = study(
        "sweep", method="gd", problem="quadratic", settings={"condition": 1.0}, steps=100, points=121
    )
    assert verdict.value == pytest.approx(np.log10(2 / 0.0114), abs=0.06)
    assert verdict.holds
    assert curves(table).data


def test_a_threshold_far_from_the_edge_does_not_hold():
    _, verdict = study("threshold", method="gd", problem="quadratic", fields={"lr": 0.1}, steps=100, every=10, seeds=2)
    assert verdict.value == pytest.approx(10 * 0.1 / 2) and not verdict.holds
    # exactly at 2/lr the bowl neither grows nor shrinks
    _, verdict = study("threshold", method="gd", problem="quadratic", fields={"lr": 0.2}, steps=100, every=10, seeds=2)
    assert verdict.value == pytest.approx(1.0) and verdict.holds


def test_the_interval_covers_the_median_of_few_seeds():
    value, low, high = interval(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert (value, low, high) == (3.0, 1.0, 5.0)
    assert interval(np.array([2.0, np.inf, np.inf]))[2] == np.inf


def test_the_runner_fills_in_the_method_and_names_what_it_does_not_know():
    claim = Claim("it does", study="scaling", problem="rosenbrock")
    assert runner.study_of("adam", claim).method == "adam"
    with pytest.raises(AtlasError, match="did you mean"):
        list(runner.studies_of(["adamm"]))


@pytest.mark.parametrize("entry", [e for e in catalog.methods() if runner.claim_of(e)], ids=lambda e: e.slug)
def test_every_claim_names_a_study_that_can_be_made(entry):
    claim = runner.claim_of(entry)
    assert claim.text.endswith(".")
    runner.study_of(entry.slug, claim)


def test_a_verdict_is_kept_as_it_came_out(tmp_path):
    outcome = Verdict(np.float64(2.0), 1.5, 3.0, "at most 1", False, "it ends at twice the loss.")
    assert verdicts.word("thing", tmp_path) == ""
    verdicts.keep("thing", "it ends lower.", outcome, tmp_path)
    assert verdicts.kept("thing", tmp_path) == {"claim": "it ends lower.", **outcome._asdict()}
    assert verdicts.word("thing", tmp_path) == "does not hold here"


@pytest.mark.parametrize("entry", [e for e in catalog.methods() if runner.claim_of(e)], ids=lambda e: e.slug)
def test_the_kept_verdict_is_of_the_claim_that_the_file_makes(entry):
    if entry.path.is_relative_to(catalog.PACKAGE):
        found = verdicts.kept(entry.slug)
        assert found is not None and found["claim"] == runner.claim_of(entry).text, (
            f"run: python -m widgetlib check {entry.slug} --keep"
        )
