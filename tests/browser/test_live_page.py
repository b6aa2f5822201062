"""The live figure in a real browser: through Voilà, and through JupyterLab."""

from __future__ import annotations

import re
import signal
import sys

import psutil
import pytest

from widgetlib.figures.theme import THEMES

PAPER = "() => [...document.querySelectorAll('.atlas-plot')].map((plot) => plot._fullLayout.paper_bgcolor)"

# asked again until it is so: a Lab that still restores its own settings forgets the wish
DARKENED = """() => {
  if (document.body.dataset.jpThemeLight === "false") return true;
  jupyterapp.commands.execute("apputils:change-theme", { theme: "JupyterLab Dark" });
}"""


def revision(page, number: int) -> None:
    """Waits until the first figure has painted a revision."""
    page.wait_for_function(f"document.querySelector('.atlas-figure').dataset.revision >= {number}")


def last_loss(page) -> float:
    """The last point of the drawn curve."""
    return page.evaluate("document.querySelector('.atlas-plot').data[0].y.at(-1)")


@pytest.fixture
def opened(page, open_page, demo):
    """The demonstration, painted."""
    open_page(f"{demo[0]}voila/render/demo.ipynb")
    return page


def test_two_figures_load_plotly_once(opened, watch):
    assert opened.locator(".atlas-plot .main-svg").count() >= 2
    assert len([url for url in watch.requests if "plotly" in url and url.endswith(".gz")]) == 1
    assert not [url for url in watch.requests if "plotly.min.js" in url and not url.endswith(".gz")]


def test_slider_moves_the_curve_and_its_reading(opened):
    before = last_loss(opened)
    handle = opened.get_by_role("slider", name="learning rate")
    handle.focus()
    handle.press("ArrowRight")
    revision(opened, 2)
    assert last_loss(opened) < before
    text = opened.locator(".atlas-reading").first.inner_text()
    assert text.startswith("At rate 0.25 the loss ends at")
    assert opened.locator(".atlas-plot").first.get_attribute("aria-label") == text


def test_what_is_drawn_while_the_page_asks_for_the_state_is_not_lost(page, demo):
    page.goto(f"{demo[0]}voila/render/late.ipynb")
    page.wait_for_function("document.querySelector('.atlas-figure')?.dataset.revision >= 2")
    assert page.locator(".atlas-reading").inner_text() in ("Drawing 2.", "Drawing 3.", "Drawing 4.")


@pytest.mark.skipif(sys.platform == "win32", reason="processes cannot be suspended by a signal there")
def test_play_moves_the_marker_without_the_kernel(opened, demo):
    kernels = [p for p in psutil.Process(demo[1].pid).children() if "ipykernel_launcher" in " ".join(p.cmdline())]
    for kernel in kernels:
        kernel.send_signal(signal.SIGSTOP)
    try:
        opened.get_by_role("button", name="Play").first.click()
        opened.wait_for_function("document.querySelector('.atlas-figure').dataset.cursor > 5")
    finally:
        for kernel in kernels:
            kernel.send_signal(signal.SIGCONT)
    assert opened.evaluate("document.querySelector('.atlas-plot').data[1].x[0]") > 5


def test_a_flood_of_draws_ends_with_the_last(opened):
    opened.evaluate("""() => {
      window.painted = 0;
      new MutationObserver((list) => (window.painted += list.length)).observe(
        document.querySelector(".atlas-figure"), { attributeFilter: ["data-revision"] });
    }""")
    opened.get_by_role("button", name="Flood").click()
    revision(opened, 501)
    assert opened.locator(".atlas-reading").first.inner_text().startswith("At rate 0.5 ")
    assert opened.evaluate("window.painted") < 500


def test_colours_follow_the_page(page, open_page, demo):
    open_page(f"{demo[0]}voila/render/demo.ipynb?theme=dark")
    assert page.evaluate(PAPER) == [THEMES["dark"]["paper_bgcolor"]] * 2
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    light = THEMES["light"]["paper_bgcolor"]
    page.wait_for_function(f"({PAPER})().every((colour) => colour === '{light}')")


def test_phone_width_has_no_horizontal_overflow(page, open_page, demo):
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(f"{demo[0]}voila/render/demo.ipynb")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 844, "height": 390})
    page.wait_for_function("document.querySelector('.atlas-plot')._fullLayout.width > 390")


def test_controls_have_names_and_the_page_a_main_landmark(opened):
    assert opened.get_by_role("main").count() == 1
    assert opened.get_by_role("slider", name="step", exact=True).count() == 1
    assert opened.locator(".noUi-handle:not([aria-label])").count() == 0
    assert opened.locator(".widget-play button:not([aria-label])").count() == 0


def test_an_exception_in_a_callback_becomes_a_sentence(opened):
    opened.get_by_role("button", name="Fail").click()
    opened.wait_for_selector(".atlas-alert")
    assert "<b>no</b> step of length 0" in opened.get_by_role("alert").inner_text()


def test_the_link_is_kept_up_to_date_and_opens_what_was_seen(opened, open_page, demo):
    handle = opened.get_by_role("slider", name="learning rate")
    handle.focus()
    handle.press("ArrowRight")
    opened.wait_for_url(re.compile("rate=0.25"))
    open_page(f"{demo[0]}voila/render/demo.ipynb?rate=0.5")
    opened.wait_for_function("document.querySelector('.atlas-reading').textContent.startsWith('At rate 0.5 ')")


def test_without_the_static_file_the_kernel_sends_plotly(page, open_page, demo, watch):
    watch.allow("404")
    page.route("**/plotly-*.gz", lambda route: route.fulfill(status=404))
    open_page(f"{demo[0]}voila/render/demo.ipynb")
    assert last_loss(page) < 1e-8


def test_an_error_while_drawing_is_seen_and_passes(opened, watch):
    watch.allow("out of ink")
    opened.evaluate("() => { window.react = Plotly.react; Plotly.react = () => { throw new Error('out of ink'); }; }")
    handle = opened.get_by_role("slider", name="learning rate")
    handle.focus()
    handle.press("ArrowRight")
    opened.wait_for_selector(".atlas-problem")
    assert "could not be drawn: out of ink" in opened.locator(".atlas-problem").first.inner_text()
    opened.evaluate("() => { Plotly.react = window.react; }")
    handle.press("ArrowRight")
    opened.wait_for_function("document.querySelectorAll('.atlas-problem').length === 0")  # in both figures
    revision(opened, 3)
    assert opened.locator(".atlas-plot").first.is_visible()


def test_what_changes_while_a_figure_is_hidden_is_painted_when_it_is_back(opened):
    figure = "document.querySelector('.atlas-figure')"
    opened.evaluate(f"() => {{ {figure}.style.display = 'none'; }}")
    handle = opened.get_by_role("slider", name="learning rate")
    handle.focus()
    handle.press("ArrowRight")
    opened.wait_for_function("document.querySelectorAll('.atlas-figure')[1].dataset.revision >= 2")
    assert opened.evaluate(f"{figure}.dataset.revision") == "1"
    opened.evaluate(f"() => {{ {figure}.style.display = ''; }}")
    revision(opened, 2)


def test_in_jupyterlab_the_same(page, run_in_lab, watch):
    run_in_lab("demo.ipynb")
    assert len([url for url in watch.requests if "plotly" in url and url.endswith(".gz")]) == 1
    address, before = page.url, last_loss(page)
    handle = page.locator(".noUi-handle").first
    handle.focus()
    handle.press("ArrowRight")
    revision(page, 2)
    assert last_loss(page) < before
    page.wait_for_function(DARKENED, polling=2000)
    dark = THEMES["dark"]["paper_bgcolor"]
    page.wait_for_function(f"({PAPER})().every((colour) => colour === '{dark}')")
    assert page.url == address  # Lab's own address is left alone
