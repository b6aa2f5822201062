"""The gallery in a real browser, as Voilà's root."""

from __future__ import annotations

import psutil
import pytest

from widgetlib import catalog

SHOWN = "() => [...document.querySelectorAll('#cards > li')].filter((card) => !card.hidden).length"


@pytest.fixture
def gallery(page, demo):
    """The gallery, opened."""
    page.goto(demo[0])
    return page


def test_opens_under_a_second_without_a_kernel(page, demo, watch):
    url, server = demo
    before = len(psutil.Process(server.pid).children())
    page.goto(url)
    paint = page.evaluate("""() => new Promise((resolve) => new PerformanceObserver((list) =>
        resolve(list.getEntries()[0].startTime)).observe({ type: 'paint', buffered: true }))""")
    assert paint < 1000
    assert page.locator("#cards > li").count() == len(catalog.methods())
    assert len(psutil.Process(server.pid).children()) == before
    assert [address for address in watch.requests if address.startswith("http")] == [url]  # nothing but the page


def test_search_and_filters_by_keyboard(gallery):
    everything = len(catalog.methods())
    gallery.keyboard.press("/")
    gallery.keyboard.type("adam")
    assert 0 < gallery.evaluate(SHOWN) < everything
    assert "of" in gallery.get_by_role("status").inner_text()
    gallery.keyboard.type(" no such thing")
    assert gallery.evaluate(SHOWN) == 0
    gallery.get_by_role("button", name="Show all").press("Enter")
    assert gallery.evaluate(SHOWN) == everything
    family = catalog.entry("adam").family.replace("_", " ")
    chip = gallery.get_by_role("button", name=family, exact=True)
    chip.press(" ")
    assert chip.get_attribute("aria-pressed") == "true"
    assert gallery.evaluate(SHOWN) == sum(entry.family == catalog.entry("adam").family for entry in catalog.methods())
    chip.press(" ")
    world = catalog.entry("adam").world
    gallery.get_by_label("World").select_option(world)
    assert gallery.evaluate(SHOWN) == sum(entry.world == world for entry in catalog.methods())


def test_a_card_leads_to_its_dashboard_in_the_same_theme(page, demo):
    page.goto(f"{demo[0]}?theme=dark")
    link = page.locator("[data-method=adam]").get_attribute("href")
    assert link == f"{demo[0]}voila/render/card.ipynb?method=adam&theme=dark"


def test_dark_by_the_system_and_by_the_button(page, demo):
    background = "getComputedStyle(document.body).backgroundColor"
    page.goto(demo[0])
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(background)
    assert dark != light
    page.get_by_role("button", name="Light page").click()
    assert page.evaluate(background) == light
    page.reload()  # the address remembers
    assert page.evaluate(background) == light


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_horizontal_overflow(page, demo, width):
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(demo[0])
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_old_addresses_of_the_tree_lead_here(page, demo):
    page.goto(f"{demo[0]}voila/tree")
    assert page.url == demo[0]
