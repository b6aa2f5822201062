"""What a card shows while its kernel starts: the recorded run, moving; then the live card in its place."""

from __future__ import annotations

from widgetlib.studies.verdicts import RECORDS

RECORDED = min(path.parent.name for path in RECORDS.glob("*/card.json"))
FIGURES = "[...document.querySelectorAll('#atlas-opening .atlas-figure')]"


def test_the_recorded_run_plays_until_the_live_card_replaces_it(page, voila_url):
    page.goto(f"{voila_url}voila/render/card.ipynb?method={RECORDED}", wait_until="commit")
    page.wait_for_function(f"{FIGURES}.length === 4 && {FIGURES}.every((f) => f.dataset.cursor > 0)")
    assert page.locator("#atlas-opening .atlas-reading").count() == 4
    assert not page.locator("#loading").is_visible()
    page.wait_for_function("!document.getElementById('atlas-opening')")
    live = page.locator("#rendered_cells .atlas-figure")
    assert live.count() == 4
    assert all(live.nth(i).is_visible() and live.nth(i).get_attribute("data-revision") for i in range(4))
    assert page.locator("body.atlas-opening").count() == 0


def test_a_card_with_a_choice_of_its_own_opens_on_no_record(page, open_page, voila_url, watch):
    open_page(f"{voila_url}voila/render/card.ipynb?method={RECORDED}&steps=40")
    assert not [url for url in watch.requests if url.endswith(f"opening/{RECORDED}")]


def test_plotly_is_fetched_once_for_the_opening_and_the_card(page, open_page, voila_url, watch):
    open_page(f"{voila_url}voila/render/card.ipynb?method={RECORDED}")
    assert len([url for url in watch.requests if "plotly" in url]) == 1
