"""The card in a real browser: the slider moves the curve, play moves the marker, Stop stops."""

from __future__ import annotations

import pytest

from widgetlib import catalog

FIGURES = ".atlas-card .atlas-figure"
REVISIONS = f"() => [...document.querySelectorAll('{FIGURES}')].map((f) => Number(f.dataset.revision))"
LAST_LOSS = f"() => document.querySelectorAll('{FIGURES} .atlas-plot')[1].data.find((t) => t.y?.length > 2).y.at(-1)"
NET = next(p.slug for p in catalog.problems() if any(f.name == "depth" for f in p.fields))
METHOD = next(e for e in catalog.methods() if any(f.name == "lr" for f in e.fields)).slug


def settled(page) -> None:
    """Waits until the worker has nothing left to do: Stop is off."""
    page.wait_for_function(
        "[...document.querySelectorAll('.atlas-side button')].find((b) => b.innerText === 'Stop')?.disabled"
    )


@pytest.fixture(params=["voila", "lab"])
def card(request, page, open_page, voila_url):
    """The card, painted and settled, as a dashboard and in JupyterLab."""
    if request.param == "voila":
        open_page(f"{voila_url}voila/render/card.ipynb?method={METHOD}&problem=rosenbrock&lr=0.0005")
    else:
        request.getfixturevalue("run_in_lab")("card.ipynb")
    page.wait_for_function(f"({REVISIONS})().length === 4 && ({REVISIONS})().every((r) => r > 0)")
    settled(page)
    return page


def test_the_slider_moves_the_curve_and_the_words(card):
    before = card.evaluate(LAST_LOSS)
    words = card.locator(f"{FIGURES} .atlas-reading").nth(1).inner_text()
    revisions = card.evaluate(REVISIONS)
    handle = card.locator(".atlas-side .widget-hslider:has(.widget-label:text-is('lr')) .noUi-handle").first
    handle.focus()
    for _ in range(5):
        handle.press("ArrowLeft")
    card.wait_for_function(f"(before) => ({REVISIONS})().every((r, i) => r > before[i])", arg=revisions)
    settled(card)
    assert card.evaluate(LAST_LOSS) != before
    assert card.locator(f"{FIGURES} .atlas-reading").nth(1).inner_text() != words


def test_play_moves_all_markers_and_pause_holds_them(card):
    cursors = f"() => [...document.querySelectorAll('{FIGURES}')].map((f) => Number(f.dataset.cursor))"
    play = card.locator(".atlas-player .widget-play button").first
    card.locator(".atlas-player .widget-play button").nth(1).click()  # to the beginning
    card.wait_for_function(f"({cursors})().every((c) => c === 0)")
    play.click()
    card.wait_for_function(f"({cursors})().every((c) => c > 10)")
    play.click()
    card.wait_for_timeout(300)
    held = card.evaluate(cursors)
    card.wait_for_timeout(300)
    assert card.evaluate(cursors) == held
    assert len(set(held)) == 1
    card.locator(".atlas-player [title='step forward']").click()
    card.wait_for_function(f"(held) => ({cursors})().every((c) => c === held + 1)", arg=held[0])


def test_the_curves_of_a_net_grow_and_stop_stops(page, open_page, voila_url):
    page.goto(f"{voila_url}voila/render/card.ipynb?method={METHOD}&problem={NET}&lr=0.3&steps=3000")
    length = f"() => Number(document.querySelectorAll('{FIGURES}')[1]?.dataset.revision ?? 0)"
    page.wait_for_function(f"({length})() > 3")
    grown = page.evaluate(f"""() => {{
      const plot = document.querySelectorAll('{FIGURES} .atlas-plot')[1];
      return Math.max(...plot.data.map((t) => t.x?.at?.(-1) ?? 0));
    }}""")
    assert 0 < grown < 3000
    page.get_by_role("button", name="Stop", exact=True).click()
    settled(page)
    assert "Stopped" in page.locator(".atlas-status").inner_text()


def test_a_wrong_link_shows_one_sentence(page, voila_url):
    page.goto(f"{voila_url}voila/render/card.ipynb?method=adm")
    page.wait_for_selector(".atlas-alert")
    assert "did you mean" in page.locator(".atlas-alert").inner_text()
    assert "Traceback" not in page.content()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_shows_everything_in_one_column(page, open_page, voila_url, theme):
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(f"{voila_url}voila/render/card.ipynb?theme={theme}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_address_opens_what_is_on_screen(page, open_page, voila_url):
    open_page(f"{voila_url}voila/render/card.ipynb?method={METHOD}")
    settled(page)
    page.wait_for_function("location.search.includes('problem=') && location.search.includes('lr=')")
    rate = page.evaluate("new URLSearchParams(location.search).get('lr')")
    open_page(page.url)
    settled(page)
    assert page.evaluate("new URLSearchParams(location.search).get('lr')") == rate
