"""Starting the servers: ports, folders, files; what a person reads when it cannot be."""

from __future__ import annotations

import gzip
import json
import os
import socket

import pytest

from widgetlib.core.words import AtlasError
from widgetlib.serve import app, files, lab, limits
from widgetlib.serve.server import settings


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.create_server(("localhost", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of notebooks; the environment is put back afterwards."""
    for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "PYTHONPATH"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setattr(files, "user_cache_path", lambda name: tmp_path / name)
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks"


@pytest.mark.parametrize("start", [app, lab])
def test_a_port_in_use_is_named_with_what_to_do(start, taken, folder):
    with pytest.raises(AtlasError, match=rf"Port {taken} is in use.*--port"):
        start(taken, False, folder)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(AtlasError, match=r"no folder .*nowhere"):
        files.notebooks_folder(tmp_path / "nowhere")


def test_the_notebooks_are_found_from_below_the_root_of_a_clone(tmp_path, monkeypatch):
    for name in ("notebooks", "widgetlib/deep"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "widgetlib" / "deep")
    assert files.notebooks_folder() == tmp_path / "notebooks"


def test_plotly_is_packed_once(tmp_path):
    root = files.plotly_file(tmp_path)
    packed = next(root.rglob("plotly-*.min.js.gz"))
    assert packed.relative_to(root).parts[:3] == ("labextensions", "widgetlib", "static")
    assert b"plotly.js v" in gzip.decompress(packed.read_bytes())[:200]
    before = packed.stat().st_mtime_ns
    files.plotly_file(tmp_path)
    assert packed.stat().st_mtime_ns == before


def test_preparing_twice_or_without_a_cache_is_harmless(folder, monkeypatch):
    files.prepare()
    first = os.environ["JUPYTER_PATH"]
    files.prepare()
    assert os.environ["JUPYTER_PATH"] == first
    assert str(files.SHARE / "jupyter") in first.split(os.pathsep)

    def refuse(_cache):
        raise PermissionError("read-only")

    monkeypatch.setattr(files, "plotly_file", refuse)
    monkeypatch.setenv("JUPYTER_PATH", "")
    files.prepare()
    assert os.environ["JUPYTER_PATH"] == str(files.SHARE / "jupyter")


def test_the_settings_are_those_for_strangers(tmp_path):
    c = settings(tmp_path, port=None, host="localhost", open_browser=False, kernels=3, idle=120)
    assert c.VoilaConfiguration.template == "atlas"
    assert c.VoilaConfiguration.allow_template_override == "NO"
    assert c.VoilaConfiguration.strip_sources and not c.VoilaConfiguration.show_tracebacks
    assert (c.MappingKernelManager.cull_idle_timeout, c.MappingKernelManager.cull_interval) == (120, 15)
    assert c.Voila.kernel_websocket_connection_class is limits.GuardedConnection


def test_kernels_are_single_threaded_and_of_this_python():
    spec = json.loads((files.SHARE / "jupyter" / "kernels" / "python3" / "kernel.json").read_text())
    assert spec["argv"][0] == "python"  # Jupyter puts the running interpreter in its place
    assert spec["env"] == {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def test_memory_decides_how_many_kernels_fit():
    assert limits.kernels_for(memory=4 * 2**30) == 10
    assert limits.kernels_for(memory=0) == 2
    assert limits.kernels_for(memory=2**45) == 200


@pytest.mark.parametrize(
    ("frame", "protocol", "count"),
    [
        (b"\x7f\xff\xff\xff" + bytes(20), None, 0x7FFFFFFF),
        (b"\x00\x00\x00\x02" + bytes(8), "", 2),
        ((2**40).to_bytes(8, "little"), "v1.kernel.websocket.jupyter.org", 2**40),
        ((9).to_bytes(8, "little"), "v1.kernel.websocket.jupyter.org", 9),
        (b"", None, 0),
    ],
)
def test_parts_are_counted_as_the_parser_would(frame, protocol, count):
    assert limits.parts(frame, protocol) == count
