"""In a real Chromium, from a warm kernel: how long a person waits for what they asked to see."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.timing import Row

ROOT = Path(__file__).parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SWEEP = """
import ipywidgets, torch, widgetlib as wl
from widgetlib.figures.trajectory import trajectory
from widgetlib.widgets.live import LiveFigure
torch.set_num_threads(1)
figure, button = LiveFigure(), ipywidgets.Button(description="Sweep")
method, problem = wl.method("adam"), wl.problem("rosenbrock")
rates = torch.logspace(-4, 0, 64, dtype=torch.float64).tolist()
draw = lambda *_: figure.draw(trajectory(wl.sweep(method, problem, 500, over={"lr": rates}).table()))
draw()
button.on_click(draw)
ipywidgets.VBox([button, figure])
"""
# Milliseconds from an action in the page until the figures numbered `which` have painted a newer revision.
WAIT = """async ([selector, key, which]) => {
  const figures = which.map((i) => document.querySelectorAll('.atlas-figure')[i]);
  const before = figures.map((f) => Number(f.dataset.revision));
  const began = performance.now();
  const target = document.querySelector(selector);
  const painted = new Promise((done) => {  // not by asking at each frame: that keeps a core busy
    const look = () => figures.every((f, i) => Number(f.dataset.revision) > before[i]) && done();
    for (const f of figures) new MutationObserver(look).observe(f, { attributeFilter: ['data-revision'] });
  });
  if (key) target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  else target.click();
  await painted;
  return performance.now() - began;
}"""

RIVALS = "gd,heavy_ball,nesterov,adam,rmsprop"
# Milliseconds between two moves of the linked cursors while a run plays to its end.
FRAMES = """async () => {
  const [back, play] = [1, 0].map((i) => document.querySelectorAll('.atlas-player .widget-play button')[i]);
  const last = [...document.querySelectorAll('.atlas-figure')].at(-1);
  const times = [];
  new MutationObserver(() => times.push(performance.now())).observe(last, { attributeFilter: ['data-cursor'] });
  back.click();
  await new Promise((done) => setTimeout(done, 500));
  times.length = 0;
  play.click();
  await new Promise((done) => setTimeout(done, 4000));
  return times.slice(1).map((time, i) => time - times[i]);
}"""
# Notes when a picture has first moved.
OPENING = """new MutationObserver(() => {
  for (const figure of document.querySelectorAll('.atlas-figure'))
    if (figure.dataset.cursor > 0) window.atlasMoved ??= performance.now();
}).observe(document, { subtree: true, childList: true, attributeFilter: ['data-cursor'] })"""


def rows() -> Iterator[Row]:
    """The waits of this module; none where there is no Chromium."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        yield Row("in the browser: no Chromium is installed here, nothing measured", [])
        return
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        _notebook(Path(folder) / "sweep.ipynb", SWEEP)
        for name in ("card.ipynb", "compare.ipynb"):
            shutil.copy(ROOT / "notebooks" / name, folder)
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        with _served(folder) as url:
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            paints = []
            for _ in range(5):
                page.goto(url)
                paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
                page.wait_for_function(paint)
                paints.append(page.evaluate(paint) / 1000)
            yield Row("gallery painted, no kernel", paints, target=1.0)

            waits = []
            for _ in range(5):
                newcomer = browser.new_page(viewport={"width": 1280, "height": 720})  # with nothing in its cache
                newcomer.add_init_script(OPENING)
                newcomer.goto(f"{url}voila/render/card.ipynb?method=adam")
                newcomer.wait_for_function("window.atlasMoved")
                waits.append(newcomer.evaluate("window.atlasMoved") / 1000)
                newcomer.close()
            yield Row("card from its record: first moving picture, from the click, in a new browser", waits, target=2.0)

            page.goto(f"{url}voila/render/card.ipynb?method=adam&problem=rosenbrock&steps=500&lr=0.05")
            page.wait_for_selector(".atlas-figure[data-revision]")
            page.wait_for_timeout(5000)
            handle = ".atlas-side .widget-hslider .noUi-handle"
            moves = [page.evaluate(WAIT, [handle, "ArrowLeft", [0, 1]]) / 1000 for _ in range(31)][1:]
            yield Row("slider to repainted landscape, path and loss (rosenbrock, 500 steps)", moves, target=0.15)

            page.goto(f"{url}voila/render/compare.ipynb?methods={RIVALS}&problem=rosenbrock&steps=500")
            page.wait_for_function("document.querySelector('.atlas-status')?.innerText.includes('compared at')")
            page.wait_for_timeout(3000)
            frames = [gap / 1000 for gap in page.evaluate(FRAMES)]
            yield Row("compare plays 5 methods × 500 steps: time of a frame", frames, target=1 / 30)

            page.goto(f"{url}voila/render/sweep.ipynb")
            page.wait_for_selector(".atlas-figure[data-revision]")
            page.wait_for_timeout(2000)
            clicks = [page.evaluate(WAIT, [".widget-button", None, [0]]) / 1000 for _ in range(10)]
            yield Row("64 rates × 500 steps, from the call to the drawn curves", clicks, target=0.5)
        browser.close()


def _notebook(path: Path, source: str) -> None:
    cell = {"cell_type": "code", "id": "a", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    path.write_text(json.dumps({"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))


@contextmanager
def _served(folder: str) -> Iterator[str]:
    """The address of a Voilà on that folder."""
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "widgetlib", "app", "--port", str(port), "--no-browser", "--notebooks", folder]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://localhost:{port}/", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://localhost:{port}/"
    finally:
        process.terminate()
        process.wait(20)
