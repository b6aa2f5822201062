"""The comparison in a real browser: it plays without the kernel and without redrawing, and keeps its place."""

from __future__ import annotations

import re

import pytest

from widgetlib import catalog
from widgetlib.dashboards.request import fitting

OPEN = next(p for p in catalog.problems() if p.declared.get("minima") and p.declared.get("window") and fitting(p))
FIVE = [m.slug for m in fitting(OPEN)][:5]
READY = "() => /compared at/.test(document.querySelector('.atlas-status')?.textContent ?? '')"
MARKERS = """() => [...document.querySelectorAll('.atlas-plot')].map((plot) => plot.data.map((trace, i) => {
  const marker = trace.name === 'cursor' && plot.calcdata[i][0].node3.node().querySelector('path.point');
  if (!marker || !Number.isFinite(trace.x[0])) return null;
  const [x, y] = marker.getAttribute('transform').match(/-?\\d[\\d.e+-]*/g).map(Number);
  const { xaxis, yaxis } = plot._fullLayout;
  return Math.hypot(x - xaxis.c2p(trace.x[0]), y - yaxis.c2p(trace.y[0]));
}).filter((gap) => gap !== null))"""
"""How far each marker stands from where its trace says, in pixels, by figure."""


@pytest.fixture
def compared(page, open_page, voila_url):
    """A comparison of five methods over 500 steps, drawn."""
    open_page(f"{voila_url}voila/render/compare.ipynb?methods={','.join(FIVE)}&problem={OPEN.slug}")
    page.wait_for_function(READY)
    return page


def test_it_plays_smoothly_without_redrawing(compared):
    compared.evaluate("""() => {
      window.painted = 0;
      new MutationObserver(() => window.painted++).observe(
        document.querySelector('.atlas-figure'), { attributeFilter: ['data-cursor'] });
    }""")
    compared.get_by_role("button", name="Play").first.click()
    compared.wait_for_timeout(1000)
    compared.evaluate("""() => {
      for (const name of ['restyle', 'react']) Plotly[name] = () => { throw new Error(`${name} was called`); };
      window.painted = 0;
    }""")
    compared.wait_for_timeout(2000)
    assert compared.evaluate("window.painted") > 20  # 60 on a machine that does nothing else
    gaps = compared.evaluate(MARKERS)
    assert len(gaps) == 2 and all(gaps) and max(map(max, gaps)) < 0.1
    assert not compared.locator(".atlas-problem").count()


def test_markers_keep_their_place_when_a_person_zooms(compared):
    handle = compared.locator(".atlas-player .noUi-handle")
    handle.focus()
    for _ in range(3):
        handle.press("PageDown")
    compared.wait_for_function("document.querySelector('.atlas-figure').dataset.cursor < 500")
    plot = "document.querySelectorAll('.atlas-plot')[1]"
    compared.evaluate(f"Plotly.relayout({plot}, {{'xaxis.range': [100, 450]}})")
    assert max(map(max, compared.evaluate(MARKERS))) < 0.1
    compared.set_viewport_size({"width": 1000, "height": 720})
    compared.wait_for_function(f"{plot}._fullLayout.width < 400")
    assert max(map(max, compared.evaluate(MARKERS))) < 0.1


def test_a_method_is_added_by_keyboard_and_the_link_remembers_it(compared):
    rest = [m for m in fitting(OPEN) if m.slug not in FIVE]
    if not rest:
        pytest.skip("every method that fits is compared already")
    box = compared.get_by_placeholder("Add a method …")
    box.fill(rest[0].title)
    box.press("Enter")
    compared.wait_for_url(re.compile(rest[0].slug))
    assert compared.get_by_role("slider", name=rest[0].title, exact=True).count() == 1
    compared.get_by_title(f"Take {rest[0].title} out").click()
    compared.wait_for_url(re.compile(f"^(?!.*{rest[0].slug}).*$"))


def test_phone_width_has_no_horizontal_overflow(page, open_page, voila_url):
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(f"{voila_url}voila/render/compare.ipynb?methods={FIVE[0]}&problem={OPEN.slug}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
