"""The first lesson in a real browser, by keyboard alone: as a dashboard, and in JupyterLab."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import urlopen

import pytest

LESSON = "01_edge_of_stability"
TOLD = "([index, text]) => document.querySelectorAll('.atlas-feedback')[index].textContent.includes(text)"
FOCUS = """() => {
  const at = document.activeElement, look = getComputedStyle(at);
  const name = at.labels?.[0]?.textContent || at.getAttribute("aria-label") || at.title || at.textContent;
  return { name, kind: at.type ?? at.getAttribute("role") ?? at.tagName, ring: look.outlineStyle !== "none" };
}"""


def tab_to(page, name: str, most: int = 60) -> list[dict]:
    """Presses Tab until a control of that name has the focus; returns every stop on the way."""
    stops = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUS))
        if name in stops[-1]["name"]:
            return stops
    raise AssertionError(f"Tab never came to {name!r}: {[stop['name'] for stop in stops]}")


@pytest.fixture
def dashboard(page, open_page, voila_url):
    """The lesson as Voilà serves it, painted."""
    open_page(f"{voila_url}voila/render/{LESSON}.ipynb")
    page.wait_for_function("document.querySelectorAll('.atlas-question').length === 5")
    return page


def test_a_wrong_prediction_by_keyboard_and_its_download(dashboard):
    page = dashboard
    assert "Exercise" not in page.locator("#rendered_cells").inner_text()
    run = page.locator(".atlas-run").first
    assert run.is_disabled()
    stops = tab_to(page, "glide into the minimum")
    assert all(stop["name"] and stop["ring"] for stop in stops), stops
    page.keyboard.press("ArrowDown")  # the group has one stop; arrows choose
    page.keyboard.press("ArrowDown")
    tab_to(page, "Run", 1)
    page.keyboard.press("Enter")
    page.wait_for_function(TOLD, arg=[0, "Not quite: you predicted “jump from side to side, further out"])
    told = page.locator(".atlas-feedback").first
    assert told.get_attribute("role") == "status"
    assert "μ = -0.90" in told.inner_text() and "below 1" in told.inner_text()
    assert page.evaluate(FOCUS)["name"] == "Run"  # nobody has to find the way back
    page.wait_for_function("document.querySelector('.atlas-reading').textContent.includes('at rate 0.19')")
    tab_to(page, "Download my answers", 2)
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == f"{LESSON}.json"
    given = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))["predictions"]["parabola"]
    assert [(entry["answer"][:12], entry["right"]) for entry in given] == [("jump from si", False)]


def test_a_preset_in_the_prose_moves_the_picture_below_it(dashboard):
    page = dashboard
    button = page.get_by_role("button", name="Adam on a parabola")
    button.focus()
    page.keyboard.press("Enter")
    stage = page.locator(".atlas-stage", has=button)
    stage.get_by_text("Done: Adam on a parabola").wait_for()
    assert button.get_attribute("aria-pressed") == "true"
    stage.locator(".atlas-figure[data-revision]").wait_for()
    assert "Adam" in stage.locator(".atlas-plot").get_attribute("aria-label")
    assert tab_to(page, "Save this picture", 12)  # player, Stop and picture follow in order
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("document.querySelector('.atlas-plot')._fullLayout.width < 390")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_in_jupyterlab_the_answer_is_kept_beside_the_notebook(page, lab_url):
    base, _, token = lab_url.partition("/lab?")
    page.goto(f"{base}/lab/tree/notebooks/{LESSON}.ipynb?reset&{token}")
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    page.get_by_text("| Idle").wait_for()
    for _ in range(3):  # right after the start a key may come to nothing
        page.locator(".jp-Cell").first.click(position={"x": 4, "y": 4})
        for _ in range(6):  # down to the first question
            page.keyboard.press("Shift+Enter")
        try:
            page.wait_for_selector(".atlas-question input", timeout=20_000)
            break
        except Exception:
            page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
    page.locator(".atlas-question input").first.focus()
    page.keyboard.press(" ")
    tab_to(page, "Run", 1)
    page.keyboard.press("Enter")
    page.wait_for_function(TOLD, arg=[0, "Not quite: you predicted “glide"])
    assert page.get_by_text(f"Kept in answers/{LESSON}.json").first.is_visible()
    assert not page.get_by_role("button", name="Download my answers").first.is_visible()
    with urlopen(f"{base}/files/notebooks/answers/{LESSON}.json?{token}") as answer:
        given = json.load(answer)["predictions"]["parabola"]
    assert given[0]["right"] is False and given[0]["measured"] == pytest.approx(-0.9)
