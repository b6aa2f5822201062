"""The two commands that open the atlas: `app` for visitors, `lab` for people who write notebooks."""

from __future__ import annotations

import os
import socket

from widgetlib.core.words import AtlasError
from widgetlib.serve import files


def app(
    port: int | None = None,
    open_browser: bool = True,
    notebooks: str | os.PathLike | None = None,
    *,
    host: str = "localhost",
    kernels: int | None = None,
    idle: int = 120,
) -> None:
    """Serves the gallery and its dashboards until stopped.

    Args:
        port: the port; None takes the usual one, or any free one where that is taken.
        open_browser: open the gallery in a browser where there is one.
        notebooks: folder of the dashboards; None finds the one of the project.
        host: address to listen on; `"0.0.0.0"` opens the server to the network.
        kernels: most dashboards open at a time; None decides by the free memory.
        idle: seconds after which the kernel of a closed page ends.

    Raises:
        AtlasError: the port is in use, or there are no notebooks.
    """
    from widgetlib.serve.limits import kernels_for
    from widgetlib.serve.server import AtlasServer, settings

    folder = files.notebooks_folder(notebooks)
    files.prepare()
    config = settings(
        folder,
        port=port,
        host=host,
        open_browser=open_browser,
        kernels=kernels_for() if kernels is None else kernels,
        idle=idle,
    )
    server = AtlasServer(config=config)
    server.initialize([])
    server.start()


def lab(
    port: int | None = None,
    open_browser: bool = True,
    notebooks: str | os.PathLike | None = None,
    arguments: tuple[str, ...] = (),
) -> None:
    """Opens JupyterLab in the project, at its notebooks, until stopped.

    Args:
        port: the port; None takes any free one near 8888.
        open_browser: open a browser where there is one.
        notebooks: folder to open; None finds the one of the project.
        arguments: further arguments for JupyterLab.

    Raises:
        AtlasError: the port is in use, or there are no notebooks.
    """
    from jupyterlab.labapp import LabApp

    from widgetlib.serve.server import has_browser, in_use

    folder = files.notebooks_folder(notebooks)
    files.prepare()
    if port is not None:
        try:
            with socket.create_server(("localhost", port)):
                pass
        except OSError as problem:
            raise AtlasError(in_use(port, problem)) from problem
    options = [
        f"--ServerApp.root_dir={folder.parent}",
        f"--LabApp.default_url=/lab/tree/{folder.name}",
        *([f"--port={port}", "--port-retries=0"] if port is not None else []),
        *([] if open_browser and has_browser() else ["--no-browser"]),
    ]
    LabApp.launch_instance([*options, *arguments])
