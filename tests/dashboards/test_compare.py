"""The comparison, without a browser: set `.value`, wait for the worker, read the figures."""

import subprocess
import sys
import textwrap

import pytest

import widgetlib as wl
from widgetlib import catalog
from widgetlib.dashboards import compare as dashboard
from widgetlib.dashboards.request import MOST, fitting

PROBLEMS = [
    p for p in catalog.problems() if p.declared.get("minima") and p.declared.get("window") and len(fitting(p)) > 3
]
OPEN = PROBLEMS[0]
FIT = [m.slug for m in fitting(OPEN)]
HOME = {p.slug for p in catalog.fitting(catalog.entry(FIT[0]))}
FOREIGN = next(
    (m for m in catalog.methods() if not HOME & {p.slug for p in catalog.fitting(m)}),
    None,
)


def quiet(shown):
    assert shown.worker.wait(120)
    return shown


def opened(*slugs, **chosen):
    return quiet(dashboard.Compare(slugs or FIT[:2], **({"problem": OPEN.slug, "steps": 60} | chosen)))


def reading(shown, name="progress"):
    return shown.figures[name].spec["reading"]


def rates(shown):
    return {slug: side.rate.value for slug, side in shown.choices.sides.items() if side.name}


@pytest.mark.parametrize("slug", FIT)
def test_every_method_that_fits_can_be_compared(slug):
    shown = opened(*dict.fromkeys((slug, FIT[0])))
    for figure in shown.figures.values():
        assert figure.revision > 0 and len(figure.spec["reading"]) > 20
    assert len(shown.figures["progress"].spec["cursors"]) == len(shown.traces)
    assert "compared at" in shown.status.value and "wrong" not in shown.status.value


def test_opening_a_comparison_imports_no_torch_before_it_computes():
    code = """
        import sys
        from widgetlib.widgets import worker
        worker.Worker.ask = lambda self, job: None
        import widgetlib as wl
        shown = wl.compare()
        assert len(shown.choices.sides) > 1
        assert "torch" not in sys.modules and "plotly" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_every_rate_is_tuned_at_first_and_not_again_for_a_new_slider():
    shown = opened()
    first = rates(shown)
    assert all(side.tuned for side in shown.choices.sides.values())
    shown.choices.steps.value = 80
    assert rates(quiet(shown)) == first
    assert {len(t) for t in shown.traces.values()} == {81}


def test_a_moved_rate_runs_that_method_alone():
    shown = opened()
    before, side = dict(shown.traces), shown.choices.sides[FIT[0]]
    side.rate.value = side.rate.value / 2
    quiet(shown)
    assert shown.traces[FIT[0]] is not before[FIT[0]]
    assert shown.traces[FIT[1]] is before[FIT[1]]


def test_a_page_that_sends_a_value_back_unchanged_starts_nothing():
    shown = opened()
    before = shown.figures["progress"].revision
    shown._changed()
    assert quiet(shown).figures["progress"].revision == before


def test_find_rates_looks_again():
    shown = opened()
    first, side = rates(shown), shown.choices.sides[FIT[0]]
    side.rate.value = side.rate.value / 100
    quiet(shown)
    shown.tune.click()
    assert rates(quiet(shown)) == first


def test_methods_come_and_go():
    shown = opened()
    title = catalog.entry(FIT[2]).title
    assert title in shown.choices.add.options
    shown.choices.add.value = title.upper()
    quiet(shown)
    assert list(shown.traces) == FIT[:3] and shown.choices.add.value == ""
    assert title not in shown.choices.add.options
    shown.choices.sides[FIT[0]].remove.click()
    quiet(shown)
    assert list(shown.traces) == FIT[1:3] and FIT[0] not in shown.address.state["methods"]
    shown.choices.sides[FIT[1]].remove.click()
    quiet(shown)
    assert shown.choices.sides[FIT[2]].remove.disabled  # one stays


def test_a_name_that_does_not_fit_is_one_sentence():
    shown = opened()
    for text in ("nobody", catalog.entry(FIT[0]).title, *([FOREIGN.title] if FOREIGN else [])):
        shown.choices.add.value = text
        assert "atlas-alert" in shown.status.value and list(shown.choices.sides) == FIT[:2]


def test_another_problem_keeps_the_methods_that_fit_and_tunes_them_anew():
    shown = opened()
    for world in sorted({p.world for p in catalog.problems() if fitting(p) and p.world != "finite_sum"}):
        problem = next(p for p in catalog.problems() if p.world == world and p.slug != shown.choices.problem.value)
        shown.choices.problem.value = problem.slug
        quiet(shown)
        able = {m.slug for m in fitting(problem)}
        assert set(shown.traces) <= able and len(shown.traces) >= min(2, len(able))
        assert all(t.problem.slug == problem.slug for t in shown.traces.values())
        assert "compared at" in shown.status.value
        for entry in catalog.methods():
            assert entry.slug in able or entry.title not in shown.choices.add.options


def test_the_player_runs_at_equal_cost():
    shown = opened(axis="steps")
    assert (shown.player.scrub.min, shown.player.scrub.max, shown.player.scrub.description) == (0, 60, "steps")
    shown.choices.axis.value = "seconds"
    quiet(shown)
    assert shown.player.scrub.description.endswith("s") and shown.player.scrub.max != 60
    assert "seconds" in reading(shown) and shown.address.state["axis"] == "seconds"


def test_seeds_are_drawn_as_bands():
    shown = opened(seeds=3)
    bands = [t for t in shown.figures["progress"].spec["data"] if t.get("fill") == "toself"]
    assert len(bands) == 2 and "3 seeds each" in shown.status.value


def test_a_batch_is_offered_where_there_are_samples():
    shown = opened()
    assert shown.choices.batch.layout.display == "none"
    net = next(p for p in catalog.problems() if any(f.name == "subset" for f in p.fields))
    small = {f"{net.slug}.subset": 60, "problem": net.slug, "batch": 8, "steps": 20}
    other = opened(FIT[0], **small)
    assert other.choices.batch.layout.display == "" and other.traces[FIT[0]].batch == 8


def test_a_link_opens_what_it_says(monkeypatch):
    first = opened(seeds=2, axis="steps")
    query = "&".join(f"{name}={value}" for name, value in first.address.state.items()) + "&theme=dark"
    monkeypatch.setenv("QUERY_STRING", query)
    again = quiet(wl.compare())
    assert again.address.state == first.address.state
    assert reading(again) == reading(first)


BAD = ["methods=nothing", "methods={0}&problem=nowhere", "methods={0}&colour=3", "methods={0}&{0}.colour=3",
       "methods={0}&start=moon", "methods={0}&steps=many", "methods={0}&axis=apples", "methods={0}&seeds=99",
       "methods={0}&batch=many"]  # fmt: skip


@pytest.mark.parametrize("query", BAD)
def test_a_link_that_does_not_fit_shows_one_sentence(monkeypatch, query):
    monkeypatch.setenv("QUERY_STRING", query.format(FIT[0]))
    shown = wl.compare()
    assert "atlas-alert" in shown.value and "Traceback" not in shown.value and "wrong" not in shown.value


@pytest.mark.skipif(FOREIGN is None, reason="every method of the catalogue fits that problem")
def test_methods_of_two_worlds_are_refused():
    with pytest.raises(wl.AtlasError, match=r"^no problem fits all of these methods"):
        wl.compare([FIT[0], FOREIGN.slug])
    with pytest.raises(wl.AtlasError, match=f"^{FOREIGN.slug} does not fit {OPEN.slug}"):
        wl.compare([FOREIGN.slug], problem=OPEN.slug)


def test_a_list_is_wanted_and_not_too_long():
    for wrong in (FIT[0], [FIT[0]] * (MOST + 1)):
        with pytest.raises(wl.AtlasError, match="at most"):
            wl.compare(wrong)


def test_stop_in_the_search_for_rates_says_so():
    shown = dashboard.Compare(FIT[:4], problem=OPEN.slug, steps=3000)
    shown.stop.click()
    while not shown.worker.wait(0.05):
        shown.stop.click()
    assert "Stopped" in shown.status.value
    shown.choices.steps.value = 40
    assert len(quiet(shown).traces) == 4
