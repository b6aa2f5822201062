"""A real Chromium, a Voilà and a JupyterLab to point it at; a test fails on any error in the page's console."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 60
"""Seconds for a server to answer, or for a page to be ready on a busy machine."""
PAINTED = """() => {
  if (document.querySelector("#atlas-opening .atlas-figure")) return false; // what is shown until the kernel is there
  const figures = [...document.querySelectorAll(".atlas-figure")].filter((figure) => figure.clientWidth);
  return figures.length > 0 && figures.every((figure) => figure.dataset.revision);
}"""
"""Whether each visible figure of a page has been painted; for `page.wait_for_function`."""

SHOWN = """() => [
  location.href, JSON.stringify({ ...document.body.dataset }),
  ...[...document.querySelectorAll(".atlas-figure")].map((f) => JSON.stringify([f.clientWidth, { ...f.dataset }])),
  document.body.innerText.slice(0, 1500),
]"""
"""The address of a page, the state of its figures, and its text; for the report of a test that failed."""

RUN = """async () => {
  const started = () => [...document.querySelectorAll(".jp-InputPrompt")].some((p) => /\\[[*\\d]/.test(p.textContent));
  if (started()) return true;
  const [notebook] = [...jupyterapp.shell.widgets("main")].filter((widget) => widget.sessionContext);
  if (!notebook) return false;
  jupyterapp.shell.activateById(notebook.id);
  await notebook.sessionContext.ready;
  jupyterapp.commands.execute("notebook:run-all-cells");
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return started();
}"""
"""Runs all cells of the open notebook of JupyterLab; true once one has started."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test of this folder `browser`."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Adds what the page showed to the report of a test that failed in it."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if report.failed and page is not None and not page.is_closed():
        report.sections.append(("what the page showed", "\n".join(map(str, page.evaluate(SHOWN)))))
    return report


@pytest.fixture(scope="session")
def chromium() -> Iterator:
    """One Chromium for all tests, or a skip that says how to get one."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    with playwright.sync_playwright() as driver:
        own = driver.chromium.executable_path
        path = next(filter(None, map(shutil.which, BROWSERS)), own if os.path.exists(own) else None)
        if path is None:
            pytest.skip("No Chromium is installed: install chromium, or run `playwright install chromium`.")
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Watch:
    """What a page did that no page may do: errors in its console, and requests that leave the machine."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.allowed: list[str] = []

    def allow(self, pattern: str) -> None:
        """Tolerates console errors that match, in a test that provokes them."""
        self.allowed.append(pattern)

    def attach(self, page) -> None:
        """Listens to a page."""
        page.on("console", lambda m: m.type == "error" and self.errors.append(f"{m.text} ({m.location.get('url')})"))
        page.on("pageerror", lambda problem: self.errors.append(f"uncaught: {problem}"))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda ws: self.requests.append(ws.url))

    def outside(self) -> list[str]:
        """The requests that left the machine."""
        local = ("localhost", "127.0.0.1", "[::1]")
        return [
            u for u in self.requests if urlsplit(u).scheme not in ("data", "blob") and urlsplit(u).hostname not in local
        ]

    def unexpected(self) -> list[str]:
        """The errors that no test allowed."""
        return [error for error in self.errors if not any(re.search(pattern, error) for pattern in self.allowed)]


@pytest.fixture
def watch() -> Watch:
    """The record of the page of this test."""
    return Watch()


@pytest.fixture
def page(chromium, watch: Watch) -> Iterator:
    """A fresh page of 1280 x 720; the test fails at its end on a console error or a request that left the machine."""
    context = chromium.new_context(viewport={"width": 1280, "height": 720}, color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    watch.attach(page)
    yield page
    context.close()
    assert not watch.outside(), "requests left the machine"
    assert not watch.unexpected(), "errors in the page's console"


@pytest.fixture
def open_page(page) -> Callable[[str], None]:
    """A function that opens an address and waits until its visible figures are painted."""

    def go(address: str) -> None:
        page.goto(address)
        page.wait_for_function(PAINTED)

    return go


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("localhost", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def running(code: str, ready: str, log: Path) -> Iterator[subprocess.Popen]:
    """A Python process that runs `code`, once the address `ready` answers; ended with all its kernels."""
    with log.open("w") as out:
        process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(ready, timeout=5).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"the server did not start:\n{log.read_text()}") from None
                time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Callable:
    """A context manager `serve(notebooks, **options of serve.app)`: the address and the process of a Voilà."""

    @contextmanager
    def start(notebooks: Path, **options) -> Iterator[tuple[str, subprocess.Popen]]:
        port = free_port()
        options |= {"port": port, "open_browser": False, "notebooks": str(notebooks)}
        code = f"from widgetlib.serve import app; app(**{options!r})"
        url = f"http://localhost:{port}/"
        with running(code, url, tmp_path_factory.mktemp("voila") / "log") as process:
            yield url, process

    return start


@pytest.fixture(scope="session")
def voila_url(serve: Callable) -> Iterator[str]:
    """The address of a Voilà that serves the project's own notebooks."""
    with serve(ROOT / "notebooks") as (url, _):
        yield url


@pytest.fixture(scope="session")
def demo(serve: Callable) -> Iterator[tuple[str, subprocess.Popen]]:
    """The address and the process of a Voilà that serves the demonstration beside these tests."""
    with serve(HERE / "notebooks") as (url, process):
        yield url, process


@pytest.fixture(scope="session")
def lab_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address, with token, of a JupyterLab on a copy of the project's notebooks and of the demonstration."""
    folder, port, token = tmp_path_factory.mktemp("lab"), free_port(), "browsertests"
    for source in (ROOT / "notebooks", HERE / "notebooks"):
        shutil.copytree(source, folder / "notebooks", dirs_exist_ok=True)
    options = [
        f"--IdentityProvider.token={token}",
        "--LabApp.expose_app_in_browser=True",
        f"--LabApp.user_settings_dir={folder / 'settings'}",
        f"--LabApp.workspaces_dir={folder / 'workspaces'}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    where = json.dumps(str(folder / "notebooks"))
    code = f"from widgetlib.serve import lab; lab({port}, False, {where}, arguments={tuple(options)!r})"
    with running(code, f"http://localhost:{port}/api", folder / "log"):
        yield f"http://localhost:{port}/lab?token={token}"


@pytest.fixture
def run_in_lab(page, lab_url: str) -> Callable[[str], None]:
    """A function that opens a notebook in JupyterLab and runs all its cells, until its figures are painted."""

    def run(name: str) -> None:
        address = urlsplit(lab_url)
        token = parse_qs(address.query)["token"][0]
        page.goto(f"http://{address.netloc}/lab/tree/notebooks/{name}?reset&token={token}")
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']")
        page.wait_for_function(RUN)  # asked again until a cell has started: the first call may come too early
        page.wait_for_function(PAINTED)

    return run
