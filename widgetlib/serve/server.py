"""Voilà with the gallery at its root and the settings for a room full of visitors."""

from __future__ import annotations

import errno
import os
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Any

from jupyter_server.utils import url_path_join
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.web import HTTPError, RedirectHandler, authenticated
from traitlets.config import Config
from voila.app import Voila
from voila.handler import BaseVoilaHandler
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.contentshandler import VoilaContentsHandler

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.serve.limits import LARGEST_FRAME, GuardedConnection, admission
from widgetlib.serve.opening import PLOTLY, FileHandler, OpeningHandler
from widgetlib.site.gallery import lessons, page

USUAL_PORT = 8866
EXTENSIONS = [
    "@voila-dashboards/widgets-manager8",
    "@jupyter-widgets/jupyterlab-manager",
    "anywidget",
]
"""JupyterLab extensions that a served page loads; others that are installed expect all of JupyterLab."""


class GalleryHandler(BaseVoilaHandler):
    """The root page, rendered from the catalogue; no kernel is started and torch is not imported."""

    def initialize(self, folder: str, **options: Any) -> None:
        """Remembers the folder whose lessons are listed."""
        super().initialize(**options)
        self.folder = Path(folder)

    @authenticated
    def get(self) -> None:
        """Answers with the gallery."""
        self.finish(page(catalog.methods(), self.base_url, lessons(self.folder)))


class ShutdownHandler(VoilaShutdownKernelHandler):
    """Ends the kernel of a page that is being closed.

    Voilà's page sends this request without the token that its server then asks for, so that every kernel
    outlives its page. The kernel's id is a secret of its page; the origin is still compared.
    """

    def check_xsrf_cookie(self) -> None:
        """Accepts what comes from our own pages."""
        if not self.check_origin():
            raise HTTPError(403)


class AtlasServer(Voila):
    """Voilà without its file tree: the gallery stands at the root, and no address lists a folder."""

    def init_handlers(self) -> list:
        """The gallery, then Voilà's own handlers without the one that names the files of the folder."""
        options = {"voila_configuration": self.voila_configuration}
        ours = [
            (self.server_url, GalleryHandler, options | {"folder": self.root_dir}),
            (url_path_join(self.server_url, r"/voila/tree.*"), RedirectHandler, {"url": self.base_url}),
            (url_path_join(self.server_url, r"/voila/api/shutdown/(.*)"), ShutdownHandler),
            (url_path_join(self.server_url, r"/voila/opening/([a-z0-9_]*)"), OpeningHandler, options),
            (url_path_join(self.server_url, r"/voila/opening/([a-z0-9.-]+\.[a-z]+)"), FileHandler, options),
        ]
        return ours + [handler for handler in super().init_handlers() if handler[1] is not VoilaContentsHandler]

    def listen(self) -> None:
        """Takes the port that was asked for (or any free one), says the link, and serves until stopped.

        Raises:
            AtlasError: the port is in use or not allowed.
        """
        self.port = _take(self.app, self.port, self.ip)
        print(f"Optimizer Atlas: {self.display_url}   (stop with Ctrl+C)", flush=True)
        if self.open_browser and has_browser():
            threading.Thread(target=webbrowser.open, args=(self.display_url,), daemon=True).start()
        self.ioloop = IOLoop.current()
        try:
            self.ioloop.start()
        except KeyboardInterrupt:
            print("Stopping.", flush=True)
        finally:
            self.stop()


def settings(notebooks: Path, *, port: int | None, host: str, open_browser: bool, kernels: int, idle: int) -> Config:
    """The configuration of a server that strangers may use.

    Args:
        notebooks: the folder whose notebooks are served.
        port: the port, None for the usual one if it is free and any other if not.
        host: the address to listen on.
        open_browser: whether to open the gallery where there is a browser.
        kernels: most kernels at a time.
        idle: seconds after which the kernel of a closed page is ended.
    """
    c: Any = Config()
    c.Voila.config_file_paths = []  # what else is configured on this machine is for other servers
    c.Voila.root_dir = str(notebooks)
    c.Voila.port = port or 0
    c.Voila.ip = host
    c.Voila.open_browser = open_browser
    c.Voila.log_level = "WARN"
    c.Voila.kernel_websocket_connection_class = GuardedConnection
    c.Voila.tornado_settings = {"websocket_max_message_size": LARGEST_FRAME}
    c.VoilaExecutor.cell_error_instruction = "Reload the page; if it happens again, please report it."
    c.VoilaConfiguration.extension_allowlist = EXTENSIONS
    c.TagRemovePreprocessor.enabled = True
    c.TagRemovePreprocessor.remove_cell_tags = {"voila-hide"}  # what only readers of the notebook need
    c.VoilaConfiguration.template = "atlas"
    c.VoilaConfiguration.classic_tree = True
    c.VoilaConfiguration.allow_template_override = "NO"
    c.VoilaConfiguration.strip_sources = True
    c.VoilaConfiguration.show_tracebacks = False
    c.VoilaConfiguration.file_allowlist = [r"public/.*\.(png|svg|jpg)"]
    c.VoilaConfiguration.file_denylist = [r".*\.(ipynb|py|json|toml)", r"(.*/)?\..*"]
    c.VoilaConfiguration.prelaunch_hook = admission(kernels)
    c.VoilaConfiguration.page_config_hook = lambda config, **_: config | {"plotly": PLOTLY}
    # A page that crashed or lost its network never says goodbye: its kernel is culled.
    c.MappingKernelManager.cull_idle_timeout = idle
    c.MappingKernelManager.cull_interval = max(1, min(15, idle // 4))
    c.MappingKernelManager.cull_connected = False
    c.MappingKernelManager.buffer_offline_messages = False
    return c


def has_browser() -> bool:
    """Whether a window can open here; a text browser would take over the terminal."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _take(app: Any, port: int, host: str) -> int:
    """Listens on a port, 0 for the usual or any free one; returns the port."""
    for candidate in [port] if port else [USUAL_PORT, 0]:
        try:
            sockets = bind_sockets(candidate, host)
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE and candidate == USUAL_PORT != port:
                continue
            raise AtlasError(in_use(port, problem)) from problem
        HTTPServer(app).add_sockets(sockets)
        return sockets[0].getsockname()[1]
    raise AtlasError("No port is free on this machine.")


def in_use(port: int, problem: OSError) -> str:
    """What to do about a port that cannot be had."""
    if problem.errno in (errno.EACCES, getattr(errno, "WSAEACCES", errno.EACCES)):
        return f"Port {port} is not open to you: choose one above 1023 with --port, or leave --port out."
    if problem.errno == errno.EADDRINUSE:
        return f"Port {port} is in use: stop what runs there, choose another with --port, or leave --port out."
    return f"Port {port} cannot be used ({problem.strerror}): choose another with --port, or leave --port out."
