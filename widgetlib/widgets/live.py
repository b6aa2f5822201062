"""A figure that is redrawn while somebody drags a slider: plotly.js once a page, arrays as bytes."""

from __future__ import annotations

import functools
import gzip
import importlib.util
import math
import threading
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from widgetlib.core.words import AtlasError
from widgetlib.figures.picture import Picture
from widgetlib.figures.theme import THEMES

HERE = Path(__file__).parent
SMALLEST, LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


def bundle_name() -> str:
    """The file name of the packed plotly.js; it carries the version because browsers keep it for a year."""
    return f"plotly-{version('plotly')}.min.js.gz"


@functools.cache
def bundle() -> bytes:
    """The plotly.js of the installed plotly package, gzipped (1.5 MB), without importing plotly.

    Raises:
        AtlasError: the package or its script is not there.
    """
    package = importlib.util.find_spec("plotly")
    script = Path(package.origin).parent / "package_data" / "plotly.min.js" if package else None
    if script is None or not script.exists():
        raise AtlasError("The package plotly is not installed here, so figures cannot be drawn: pip install plotly.")
    return gzip.compress(script.read_bytes(), mtime=0)


class LiveFigure(anywidget.AnyWidget):
    """A plotly figure drawn by `Plotly.react` in the page, with its reading in words below it.

    Whatever arrives while the page still paints is dropped but for the last state. `revision` counts the
    drawings; the page writes the revision it has painted into the element's `data-revision`. `cursor` is the
    time step that the linked cursors of the picture show, -1 for the end; it may be linked to a Play widget
    with `jslink` and then moves without the kernel.

    Args:
        height: height of the plot, pixels.
    """

    _esm = HERE / "live.js"
    _css = HERE / "live.css"

    height = traitlets.Int(300).tag(sync=True)
    cursor = traitlets.Int(-1).tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)
    spec = traitlets.Dict().tag(sync=True)
    arrays = traitlets.Bytes().tag(sync=True)
    themes = traitlets.Dict(THEMES).tag(sync=True)
    script = traitlets.Unicode().tag(sync=True)

    def __init__(self, height: int = 300, **traits: Any) -> None:
        self._drawing = threading.RLock()
        super().__init__(height=height, script=bundle_name(), **traits)
        self.on_msg(self._answer)

    def get_state(self, *args: Any, **kwargs: Any) -> dict:
        """The state that a page is sent: that of a whole drawing, never of half a one."""
        with self._drawing:
            return super().get_state(*args, **kwargs)

    def draw(self, picture: Picture) -> None:
        """Shows a picture in place of the last one; one message to the page, from any thread.

        Args:
            picture: data and layout for plotly.js, the reading, and the linked cursors.

        Raises:
            AtlasError: an array that cannot be drawn, or a cursor that fits no trace.
        """
        spec, arrays = pack(picture)
        with self._drawing, self.hold_sync():
            self.spec, self.arrays = spec, arrays
            self.revision += 1

    def _answer(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Sends a new view what was drawn before it could listen, or plotly.js where it found no static file."""
        match content:  # anything may arrive from a page
            case {"ask": "drawing", "revision": seen} if seen != self.revision:
                self.send_state(["spec", "arrays", "revision"])
            case {"ask": "plotly"}:
                try:
                    self.send({"give": "plotly"}, buffers=[bundle()])
                except AtlasError as problem:
                    self.send({"give": "plotly", "problem": str(problem)})


def pack(picture: Picture) -> tuple[dict, bytes]:
    """Splits a picture into a JSON description and the bytes of its arrays.

    Numeric arrays leave `{"$": [offset in bytes, shape, "f4" or "f8"]}` behind. They travel in single
    precision, or in double where single would overflow or round to zero (a loss of 1e-60 on a log axis).
    Layouts keep their few arrays as lists, since plotly.js takes nothing else for ranges and domains.

    Raises:
        AtlasError: an array of a kind that JSON and plotly.js do not know, or a cursor that fits no trace.
    """
    chunks: list[bytes] = []
    offset = 0

    def take(array: np.ndarray) -> dict:
        nonlocal offset
        kind = "f4" if _fits_single(array) else "f8"
        chunk = np.ascontiguousarray(array, "<" + kind).tobytes()
        chunks.append(chunk)
        start, offset = offset, offset + len(chunk)
        return {"$": [start, list(array.shape), kind]}

    for number, cursor in enumerate(picture.cursors):
        _check_cursor(number, cursor, len(picture.data))
    spec = {
        "data": _plain(picture.data, take),
        "layout": _plain(picture.layout, None),
        "cursors": _plain(picture.cursors, take),
        "reading": picture.reading,
    }
    return spec, b"".join(chunks)


def _plain(value: Any, take: Any) -> Any:
    """JSON of a nest of dicts, lists, arrays and numbers; NaN and infinity, which JSON lacks, become null."""
    match value:
        case np.ndarray() if value.ndim and value.dtype.kind in "iuf" and take:
            return take(value)
        case np.ndarray() if value.dtype.kind in "iufbUO":
            return _plain(value.tolist(), take)
        case np.ndarray() | complex():
            raise AtlasError(
                f"A figure cannot draw values of type {value.__class__.__name__} with complex or other "
                "entries: give their real part, imaginary part or modulus."
            )
        case np.generic():
            return _plain(value.item(), take)
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): _plain(item, take) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item, take) for item in value]
        case None | bool() | int() | str():
            return value
    raise AtlasError(f"A figure cannot draw {value!r:.80}: use numbers, text, lists, dicts and numpy arrays.")


def _fits_single(array: np.ndarray) -> bool:
    """Whether no finite entry overflows, and no nonzero one vanishes, in single precision."""
    size = np.abs(array[np.isfinite(array)])
    size = size[size > 0]
    return not size.size or bool(size.min() >= SMALLEST and size.max() <= LARGEST)


def _check_cursor(number: int, cursor: Mapping, traces: int) -> None:
    """Raises where a cursor would fail in the page, far from whoever made it."""
    if not 0 <= cursor["trace"] < traces:
        raise AtlasError(f"Cursor {number} moves trace {cursor['trace']}; this picture has {traces} traces.")
    lengths = {key: len(values) for key, values in cursor.items() if key != "trace"}
    if len(set(lengths.values())) != 1 or not lengths["step"]:
        counts = ", ".join(f"{count} {key}" for key, count in lengths.items())
        raise AtlasError(f"Cursor {number} has {counts}: give the same number of each, at least one.")
