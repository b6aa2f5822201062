"""What visitors may do to the server; plain HTTP and websockets, no browser."""

from __future__ import annotations

import http.client
import re
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

NOTEBOOKS = Path(__file__).parent / "notebooks"
PROTOCOL = "v1.kernel.websocket.jupyter.org"


def get(url: str, path: str) -> tuple[int, str]:
    """Status and text of a path that is sent exactly as written."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    return answer.status, text


def kernels(server) -> int:
    """How many kernels the server runs."""
    children = psutil.Process(server.pid).children()
    return sum(child.status() != psutil.STATUS_ZOMBIE for child in children if child.is_running())


def until(condition, seconds: float) -> bool:
    """Whether a condition comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(
    "path",
    [
        "/voila/files/demo.ipynb",
        "/voila/files/public/../demo.ipynb",
        "/voila/files/../conftest.py",
        "/voila/files/%2e%2e/conftest.py",
        "/voila/files/..%2fconftest.py",
        "/voila/files//etc/passwd",
        "/voila/files/public/../../../pyproject.toml",
        "/voila/render/../conftest.py",
        "/voila/render/%2e%2e%2fconftest.py",
        "/voila/render/conftest.py",
        "/voila/templates/atlas/static/../conf.json",
        "/voila/labextensions/../kernels/python3/kernel.json",
        "/voila/static/%2e%2e/%2e%2e/conf.json",
        "/voila/api/contents/",
        "/api/contents/",
        "/api/kernels",
    ],
)
def test_files_and_folders_are_not_given_out(demo, path):
    status, text = get(demo[0], path)
    if status in (301, 302):
        return  # a notebook's file is sent on to /voila/files, which refuses it
    assert status >= 400
    assert "import" not in text and "root:" not in text and "argv" not in text


def test_an_unknown_theme_is_refused(demo):
    status, text = get(demo[0], "/voila/render/demo.ipynb?theme=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert status == 400
    assert "<script>alert" not in text and "light or dark" in text


def test_a_missing_page_says_so_kindly(demo):
    status, text = get(demo[0], "/voila/render/nothing.ipynb")
    assert status == 404
    assert "There is nothing at this address" in text and "//cdn" not in text


@pytest.mark.parametrize(
    ("protocols", "frame"), [([], b"\x7f\xff\xff\xff"), ([PROTOCOL], b"\xff\xff\xff\x7f" + bytes(4))]
)
def test_a_hostile_frame_closes_its_socket_and_hurts_nobody(demo, protocols, frame):
    client = pytest.importorskip("websockets.sync.client")
    from websockets.exceptions import ConnectionClosed

    url, server = demo
    _, text = get(url, "/voila/render/demo.ipynb")
    kernel = re.search(r'"kernelId": "([\w-]+)"', text)[1]
    memory = psutil.Process(server.pid).memory_info().rss
    address = f"{url.replace('http', 'ws', 1)}api/kernels/{kernel}/channels"
    with client.connect(address, subprotocols=protocols or None, origin=url.rstrip("/")) as socket:
        socket.send(frame.ljust(24, b"\0"))
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                socket.recv(timeout=10)
    assert closed.value.rcvd.code == 1009
    start = time.monotonic()
    assert get(url, "/")[0] == 200
    assert time.monotonic() - start < 2
    assert psutil.Process(server.pid).memory_info().rss < memory + 200e6


def test_kernels_are_capped_and_those_of_closed_pages_end(serve):
    with serve(NOTEBOOKS, kernels=1, idle=2) as (url, server):
        assert get(url, "/voila/render/demo.ipynb")[0] == 200
        status, text = get(url, "/voila/render/demo.ipynb")
        assert status == 503
        assert "room for 1 " in text and "tries again by itself" in text
        assert until(lambda: kernels(server) == 0, 20)
        assert until(lambda: get(url, "/voila/render/demo.ipynb")[0] == 200, 5)


def test_closing_a_page_ends_its_kernel_at_once(demo, open_page, page):
    url, server = demo
    open_page(f"{url}voila/render/demo.ipynb")
    before = kernels(server)
    page.goto(url)
    assert until(lambda: kernels(server) < before, 10)


def test_a_strangers_page_cannot_end_a_kernel(demo):
    url, _ = demo
    kernel = re.search(r'"kernelId": "([\w-]+)"', get(url, "/voila/render/demo.ipynb")[1])[1]
    request = urllib.request.Request(
        f"{url}voila/api/shutdown/{kernel}", method="POST", headers={"Origin": "http://elsewhere.example"}
    )
    with pytest.raises(urllib.error.HTTPError, match=r"403|404"):
        urllib.request.urlopen(request, timeout=10)


def test_an_opening_is_handed_out_and_nothing_beside_it(demo):
    url = demo[0]
    assert get(url, "/voila/opening/")[0] == 200
    assert get(url, "/voila/opening/live.js")[0] == 200
    assert get(url, "/voila/opening/no_such_method") == (204, "")
    assert get(url, "/voila/opening/live.py")[0] == 404
    assert get(url, "/voila/opening/../conftest.py")[0] == 404
