"""The flow behind a comparison, without a page."""

from dataclasses import replace

import numpy as np
import pytest

from widgetlib import catalog
from widgetlib.figures.rivals import AXES
from widgetlib.widgets.comparison import Comparison, Contest
from widgetlib.widgets.worker import Cancelled, Token

FLAT = next(p.slug for p in catalog.problems() if p.world == "minimize" and p.declared.get("minima"))
NET = next(p.slug for p in catalog.problems() if any(f.name == "subset" for f in p.fields))
SLUGS = [m.slug for m in catalog.methods() if m.world == "minimize"]


class Seen:
    """A comparison and what it showed."""

    def __init__(self):
        self.pictures, self.said, self.clocks, self.shares = [], [], [], []
        self.flow = Comparison(
            lambda name, picture: self.pictures.append((name, picture)), self.said.append, self.shares.append,
            self.clocks.append,
        )  # fmt: skip

    def run(self, want, token=None):
        self.pictures.clear()
        self.flow.run(want, token or Token())
        return self

    def last(self, name):
        return [picture for n, picture in self.pictures if n == name][-1]


@pytest.fixture
def seen():
    return Seen()


@pytest.fixture
def small():
    return Contest(tuple(SLUGS[:3]), FLAT, steps=40, seeds=2)


def test_all_sides_are_run_and_drawn(seen, small):
    seen.run(small)
    assert list(seen.flow.traces) == SLUGS[:3]
    assert [n for n, _ in seen.pictures] == ["progress", "landscape"]
    assert seen.clocks[-1].sides == (0, 1, 2)
    assert seen.said[-1].startswith("3 methods, 2 seeds each: compared at")


def test_a_side_that_did_not_change_is_not_run_again(seen, small):
    before = dict(seen.run(small).flow.traces)
    seen.run(replace(small, fields={SLUGS[1]: {f.name: f.default for f in catalog.entry(SLUGS[1]).fields}}))
    assert [seen.flow.traces[s] is before[s] for s in SLUGS[:3]] == [True, False, True]
    plane = seen.flow.plane
    seen.run(
        replace(small, fields={SLUGS[1]: {f.name: f.default for f in catalog.entry(SLUGS[1]).fields}}, axis="steps")
    )
    assert seen.flow.plane is plane and seen.clocks[-1].axis == "steps"
    seen.run(replace(small, methods=tuple(SLUGS[:2])))
    assert list(seen.flow.traces) == SLUGS[:2]


@pytest.mark.parametrize("axis", AXES)
def test_every_axis_gives_linked_pictures_or_says_why_not(seen, small, axis):
    seen.run(replace(small, axis=axis))
    first, second = seen.last("progress"), seen.last("landscape")
    assert len(first.cursors) == len(second.cursors) == len(seen.clocks[-1].sides)
    for picture in (first, second):
        assert all(c["step"][-1] <= seen.clocks[-1].last and (np.diff(c["step"]) >= 0).all() for c in picture.cursors)
    assert len(first.cursors) == 3 or f"{AXES[axis]}" in first.reading


def test_without_a_choice_the_axis_is_one_on_which_all_spend(seen, small):
    for m in catalog.methods():
        if m.world in catalog.worlds()[catalog.entry(FLAT, "problem").world]:
            want = replace(small, methods=tuple(dict.fromkeys((m.slug, SLUGS[0]))), steps=5)
            seen.run(want)
            assert len(seen.clocks[-1].sides) == len(want.methods), m.slug


def test_a_rate_is_looked_for_where_its_slider_can_stand(seen, small):
    slug, field = next((m.slug, f) for m in catalog.methods() for f in m.fields if f.name == "lr" and m.slug in SLUGS)
    rate = seen.flow.rate(small, slug, "lr", field.range, Token())
    notches = np.log10(rate / field.range.low) / 0.02
    assert rate in field.range and notches == pytest.approx(round(notches), abs=1e-6)


def test_a_net_grows_on_screen_and_its_plane_is_coarse_first(seen):
    want = Contest(tuple(SLUGS[:2]), NET, problem_fields={"subset": 100}, steps=30)
    seen.run(want)
    sizes = [p.data[0]["z"].shape for n, p in seen.pictures if n == "landscape"]
    assert sizes == [(13, 13), (41, 41)]
    assert seen.flow.plane.attrs["kind"] == "pca"


def test_a_stale_run_shows_nothing_and_a_stopped_one_what_there_is(seen, small):
    token = Token()
    token.stale = True
    with pytest.raises(Cancelled):
        seen.run(small, token)
    assert not seen.pictures
    token = Token()
    token.stopped = True
    seen.run(small, token)
    assert seen.said[-1].startswith("Stopped: 1 method") and list(seen.flow.traces) == SLUGS[:1]
    seen.run(small)  # what was stopped is run again
    assert len(seen.flow.traces[SLUGS[0]]) > 2 and len(seen.flow.traces) == 3
