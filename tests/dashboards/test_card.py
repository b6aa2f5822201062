"""The card, without a browser: set `.value`, wait for the worker, read the figures."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import widgetlib as wl
from widgetlib import catalog
from widgetlib.dashboards import card as dashboard

SLUGS = [e.slug for e in catalog.methods()]


def quiet(card):
    assert card.worker.wait(60)
    return card


def arrays(figure):
    """All arrays that a figure sends, by their place in its description."""
    raw, found = figure.arrays, []

    def walk(node):
        if isinstance(node, dict) and set(node) == {"$"}:
            start, shape, kind = node["$"]
            found.append(np.frombuffer(raw, "<" + kind, int(np.prod(shape)), start).reshape(shape))
        elif isinstance(node, dict):
            [walk(v) for v in node.values()]
        elif isinstance(node, (list, tuple)):
            [walk(v) for v in node]

    walk(figure.spec)
    return found


def reading(figure):
    return figure.spec["reading"]


@pytest.mark.parametrize("slug", SLUGS)
def test_every_method_opens_on_four_pictures_with_their_readings(slug):
    card = quiet(dashboard.Card(slug, steps=60))
    for name, figure in card.figures.items():
        assert figure.revision > 0, name
        assert len(reading(figure)) > 20
        assert sum(np.isfinite(a).sum() for a in arrays(figure)) > 20
    assert len(card.trace) > 1
    assert "steps" in card.status.value


def test_opening_a_card_imports_no_torch_before_it_computes():
    code = """
        import sys
        from widgetlib.widgets import worker
        worker.Worker.ask = lambda self, job: None
        import widgetlib as wl
        card = wl.card(sys.argv[1])
        assert "torch" not in sys.modules and "plotly" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code), SLUGS[0]], check=True)


def test_a_moved_slider_runs_again_and_moves_the_cheap_views():
    card = quiet(dashboard.Card(SLUGS[0], steps=100))
    before = {n: (f.revision, f.arrays) for n, f in card.figures.items()}
    control, _ = card.choices.controls.find(card.choices.rates()[0])
    control.value = control.value / 2
    quiet(card)
    for name, figure in card.figures.items():
        assert figure.revision > before[name][0]
        assert figure.arrays != before[name][1]
    fields = card.trace.attrs()["hyper"]
    assert fields[card.choices.rates()[0]] == pytest.approx(control.value)


def test_a_page_that_sends_a_value_back_unchanged_starts_nothing():
    card = quiet(dashboard.Card(SLUGS[0], steps=60))
    before = card.figures["trajectory"].revision
    card._changed()
    quiet(card)
    assert card.figures["trajectory"].revision == before


def test_the_player_spans_the_run_and_steps_one_by_one():
    card = quiet(dashboard.Card(SLUGS[0], steps=80))
    player = card.player
    assert (player.scrub.min, player.scrub.max, player.scrub.value) == (0, 80, 80)
    player.back.click()
    player.back.click()
    player.forward.click()
    assert player.scrub.value == 79
    card.choices.steps.value = 40
    quiet(card)
    assert (player.scrub.max, player.scrub.value, player.play.max) == (40, 40, 40)


def test_another_problem_changes_settings_starts_and_unknowns():
    card = quiet(dashboard.Card(SLUGS[0], steps=60))
    for _, slug in card.choices.problem.options:
        entry = catalog.entry(slug, "problem")
        if slug == card.choices.problem.value:
            continue
        card.choices.problem.value = slug
        quiet(card)
        assert set(card.choices.problem_controls.values()) == {f.name for f in entry.fields}
        assert card.trace.problem.slug == slug
        break


def test_another_method_brings_its_own_sliders_and_words():
    card = quiet(dashboard.Card(SLUGS[0], steps=60))
    card.choices.method.value = SLUGS[-1]
    quiet(card)
    entry = catalog.entry(SLUGS[-1])
    assert entry.title in card.head.value and entry.equation in card.equation.value
    assert {n for n in card.choices.controls.names() if "." not in n} == {f.name for f in entry.fields}
    assert card.trace.method.slug == SLUGS[-1]


def test_stop_keeps_what_there_is_and_says_so():
    slug = next(p.slug for p in catalog.problems() if any(f.name == "subset" for f in p.fields))
    card = dashboard.Card(SLUGS[0], problem=slug, steps=3000, lr=0.1)
    while card.figures["trajectory"].revision == 0:
        assert not card.worker.wait(0.05), card.status.value
    card.stop.click()
    quiet(card)
    assert 1 < len(card.trace) < 3001
    assert "Stopped" in card.status.value


def test_the_surface_is_drawn_on_demand():
    card = quiet(dashboard.Card(SLUGS[0], steps=60))
    assert all(t.get("type") != "surface" for t in card.figures["landscape"].spec["data"])
    card.surface.value = True
    quiet(card)
    assert any(t.get("type") == "surface" for t in card.figures["landscape"].spec["data"])


def test_a_link_opens_what_it_says(monkeypatch):
    monkeypatch.setenv("QUERY_STRING", f"method={SLUGS[-1]}&steps=40&seed=2&theme=dark&lr=0.001")
    card = wl.card()
    if not hasattr(card, "choices"):  # that method has its rate inside its base
        monkeypatch.setenv("QUERY_STRING", f"method={SLUGS[-1]}&steps=40&seed=2&theme=dark")
        card = wl.card()
    quiet(card)
    assert (card.choices.method.value, card.choices.steps.value, card.choices.seed.value) == (SLUGS[-1], 40, 2)
    assert card.address.state["method"] == SLUGS[-1]
    assert card.address.state["steps"] == "40"


@pytest.mark.parametrize("query", ["method=nothing", "method={0}&problem=nowhere", "method={0}&colour=3",
                                   "method={0}&start=moon", "method={0}&steps=many"])  # fmt: skip
def test_a_link_that_does_not_fit_shows_one_sentence(monkeypatch, query):
    monkeypatch.setenv("QUERY_STRING", query.format(SLUGS[0]))
    shown = wl.card()
    assert "atlas-alert" in shown.value
    assert "Traceback" not in shown.value


def test_a_diverging_rate_is_a_picture_and_not_an_error():
    card = quiet(dashboard.Card(SLUGS[0], problem="quadratic", steps=400))
    control, _ = card.choices.controls.find(card.choices.rates()[0])
    control.value = 10**control.max
    quiet(card)
    words = reading(card.figures["trajectory"]) + reading(card.figures["edge"])
    assert "diverge" in words or len(card.trace) == 401
    assert "wrong" not in card.status.value


def test_what_one_problem_hides_stays_hidden_alone():
    card = quiet(dashboard.Card(SLUGS[0], problem="rosenbrock", steps=20))
    assert card.choices.batch.layout.display == "none"
    assert card.choices.method.layout.display is None and card.choices.steps.layout.display is None
