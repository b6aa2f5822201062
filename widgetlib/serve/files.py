"""Where the served files lie, and how the Jupyter programs of this process come to know."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from widgetlib.core.words import AtlasError
from widgetlib.widgets.live import bundle, bundle_name

SHARE = Path(__file__).parent / "share"
CHECKOUT = Path(__file__).parents[2]


def notebooks_folder(asked: str | os.PathLike | None = None) -> Path:
    """The folder of notebooks to serve.

    Args:
        asked: a folder; None looks for `notebooks/` from here upwards, then beside the installed package.

    Raises:
        AtlasError: there is none.
    """
    if asked is not None:
        folder = Path(asked).resolve()
        if not folder.is_dir():
            raise AtlasError(f"There is no folder {folder}: give one that holds notebooks, with --notebooks.")
        return folder
    here = Path.cwd()
    for parent in (here, *here.parents, CHECKOUT):
        if (parent / "notebooks").is_dir() and (parent / "widgetlib").is_dir():
            return parent / "notebooks"
    raise AtlasError("There is no folder of notebooks here: go to a clone of the project, or give --notebooks FOLDER.")


def prepare() -> None:
    """Adds our template, kernel and static files to what Jupyter finds, for this process and its kernels."""
    paths = [SHARE / "jupyter"]
    with suppress(OSError):  # a read-only home: figures then ask their kernel for plotly.js
        paths.insert(0, plotly_file(user_cache_path("optimizer-atlas")))
    _prepend("JUPYTER_PATH", *paths)
    _prepend("JUPYTER_CONFIG_PATH", SHARE / "config")
    if (CHECKOUT / "notebooks").is_dir():  # run from a clone, perhaps without installing it
        _prepend("PYTHONPATH", CHECKOUT)


def plotly_file(cache: Path) -> Path:
    """Packs plotly.js once into a folder that Jupyter serves as static files.

    Args:
        cache: a folder to write to.

    Returns:
        The folder to add to JUPYTER_PATH.

    Raises:
        OSError: the folder cannot be written.
    """
    target = cache / "jupyter" / "labextensions" / "widgetlib" / "static" / bundle_name()
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        draft.write_bytes(bundle())
        draft.replace(target)  # in one go: another server may be reading
    return cache / "jupyter"


def _prepend(variable: str, *paths: Path) -> None:
    """Puts paths in front of a path variable of the environment, once."""
    old = [path for path in os.environ.get(variable, "").split(os.pathsep) if path]
    new = [str(path) for path in paths]
    os.environ[variable] = os.pathsep.join([*new, *(path for path in old if path not in new)])
