"""Table: named numpy arrays over named dimensions, the hand-over between measuring and drawing."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from widgetlib.core.words import AtlasError, nearest

VERSION = 1


class Column(NamedTuple):
    """One array with the names of its dimensions, its symbol (LaTeX without dollars) and its unit."""

    values: np.ndarray
    dims: tuple[str, ...]
    symbol: str = ""
    unit: str = ""


class Table(Mapping[str, np.ndarray]):
    """Named arrays over named dimensions; dimensions of the same name have the same length.

    `table["loss"]` is the array, `table.column("loss")` the array with its dims, symbol and unit.

    Args:
        columns: name to `(values, dims)`, `(values, dims, symbol)` or `(values, dims, symbol, unit)`.
        attrs: what else a reader needs: plain JSON values.

    Raises:
        AtlasError: two columns disagree about the length of a dimension, or an array has another
            number of axes than names of dimensions.
    """

    def __init__(self, columns: Mapping[str, tuple], attrs: Mapping[str, Any] | None = None):
        self.columns = {name: Column(np.asarray(c[0]), tuple(c[1]), *c[2:]) for name, c in columns.items()}
        self.attrs = dict(attrs or {})
        self.sizes: dict[str, int] = {}
        for name, column in self.columns.items():
            if column.values.ndim != len(column.dims):
                raise AtlasError(
                    f"column {name!r} has {column.values.ndim} axes but names {len(column.dims)} "
                    f"dimensions {column.dims}; name each axis once."
                )
            for dim, size in zip(column.dims, column.values.shape, strict=True):
                if self.sizes.setdefault(dim, size) != size:
                    raise AtlasError(
                        f"column {name!r} has length {size} along {dim!r}, another column has {self.sizes[dim]}."
                    )

    def __getitem__(self, name: str) -> np.ndarray:
        return self.column(name).values

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def column(self, name: str) -> Column:
        """The array `name` with its dims, symbol and unit."""
        if name not in self.columns:
            raise KeyError(f"no column {name!r}; {nearest(name, self.columns)}")
        return self.columns[name]

    def take(self, **where: int | slice | np.ndarray) -> Table:
        """The table at the given positions: `take(step=-1, lr=slice(0, 3))`. An integer drops its dimension."""
        for dim in where:
            if dim not in self.sizes:
                raise AtlasError(f"no dimension {dim!r}; {nearest(dim, self.sizes)}")
        columns = {}
        for name, column in self.columns.items():
            values, dims = column.values, list(column.dims)
            for dim, index in where.items():
                if dim in dims:
                    axis = dims.index(dim)
                    values = values[(slice(None),) * axis + (index,)]
                    if isinstance(index, (int, np.integer)):
                        dims.remove(dim)
            columns[name] = (values, dims, column.symbol, column.unit)
        return Table(columns, self.attrs)

    def save(self, path: str | os.PathLike) -> Path:
        """Writes npz without pickle, with a JSON header; the file appears whole or not at all."""
        return write_npz(path, *self.pack())

    def pack(self) -> tuple[dict, dict[str, np.ndarray]]:
        """Header (plain JSON values) and arrays, of which `unpack` makes the table again."""
        labels = {n: [c.dims, c.symbol, c.unit] for n, c in self.columns.items()}
        return {"attrs": self.attrs, "columns": labels}, {n: c.values for n, c in self.columns.items()}

    @classmethod
    def unpack(cls, header: dict, arrays: Mapping[str, np.ndarray]) -> Table:
        """The table of which `pack` made these."""
        return cls({n: (arrays[n], *rest) for n, rest in header["columns"].items()}, header["attrs"])

    @classmethod
    def load(cls, path: str | os.PathLike) -> Table:
        """Opens what `save` wrote; raises AtlasError for a truncated file or another version."""
        header, arrays = read_npz(path)
        if "columns" not in header:
            raise AtlasError(f"{path} is a recorded run, not a table; open it with wl.load.")
        return cls.unpack(header, arrays)

    def __repr__(self) -> str:
        lines = [f"Table({', '.join(f'{d}: {n}' for d, n in self.sizes.items())})"]
        lines += [f"  {n:<16} {'x'.join(c.dims) or '-':<20} {c.values.dtype}" for n, c in self.columns.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Rows for a table of one dimension (the catalogue), the list of columns for any other."""
        from html import escape

        if len(self.sizes) == 1 and all(len(c.dims) == 1 for c in self.columns.values()):
            head, rows = list(self), list(zip(*(self[n] for n in self), strict=True))
        else:
            head = ["column", "dimensions", "symbol", "unit"]
            rows = [(n, " × ".join(f"{d} ({self.sizes[d]})" for d in c.dims), c.symbol, c.unit)
                    for n, c in self.columns.items()]  # fmt: skip
        cells = "".join(
            "<tr>" + "".join(f"<td style='text-align:left'>{escape(str(v))}</td>" for v in row) + "</tr>"
            for row in rows
        )
        return f"<table><tr>{''.join(f'<th>{escape(str(h))}</th>' for h in head)}</tr>{cells}</table>"


def write_npz(path: str | os.PathLike, header: dict, arrays: Mapping[str, np.ndarray]) -> Path:
    """Writes `arrays` and a JSON `header` as one compressed npz, first under a temporary name."""
    path = Path(path)
    if path.suffix != ".npz":
        path = path.with_name(path.name + ".npz")
    text = np.frombuffer(json.dumps({"widgetlib": VERSION, **header}).encode(), dtype=np.uint8)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        try:
            np.savez_compressed(file, header=text, **{f"a/{n}": a for n, a in arrays.items()})
            file.close()
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
    return path


def read_npz(path: str | os.PathLike) -> tuple[dict, dict[str, np.ndarray]]:
    """Header and arrays of a file that `write_npz` wrote; AtlasError says what is wrong with any other."""
    path = Path(path)
    if not path.exists():
        raise AtlasError(f"there is no file {path}; check the name.")
    try:
        with np.load(path, allow_pickle=False) as file:
            header = json.loads(file["header"].tobytes())
            arrays = {n[2:]: file[n] for n in file.files if n.startswith("a/")}
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, OSError, EOFError) as error:
        raise AtlasError(f"{path} is truncated or no record of this project ({error}); record it again.") from error
    if header.get("widgetlib") != VERSION:
        raise AtlasError(
            f"{path} was written in format {header.get('widgetlib')!r}, this version reads format {VERSION}; "
            "record it again with this version."
        )
    return header, arrays
