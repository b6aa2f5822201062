import json
import zipfile

import numpy as np
import pytest

from widgetlib.core.table import Table, read_npz, write_npz
from widgetlib.core.words import AtlasError


def grid():
    return Table(
        {
            "step": (np.arange(3), ("step",), "k"),
            "loss": (np.arange(6.0).reshape(3, 2), ("step", "lr"), "L", "J"),
            "mode": (np.array([1j, -1, np.nan]), ("step",)),
        },
        {"method": "gd", "hyper": {"lr": 0.1}, "none": None},
    )


def test_reading():
    t = grid()
    assert t.sizes == {"step": 3, "lr": 2} and list(t) == ["step", "loss", "mode"] and len(t) == 3
    assert t.column("loss")[1:] == (("step", "lr"), "L", "J") and t["loss"][1, 1] == 3


def test_take():
    t = grid().take(step=-1, lr=slice(0, 1))
    assert t["loss"].tolist() == [4] and t.column("loss").dims == ("lr",) and t["step"] == 2
    assert grid().take(step=np.array([True, False, True]))["step"].tolist() == [0, 2]


def test_saved_and_opened_is_identical(tmp_path):
    path = grid().save(tmp_path / "a")
    t = Table.load(path)
    assert path.name == "a.npz" and t.attrs == grid().attrs
    for name, column in grid().columns.items():
        assert t.column(name)[1:] == column[1:] and t[name].dtype == column.values.dtype
        np.testing.assert_array_equal(t[name], column.values)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"], "no temporary file is left"


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = grid().save(tmp_path / "a")
    with pytest.raises(TypeError):
        write_npz(path, {"x": object()}, {})
    with pytest.raises(ValueError, match="pickle"):
        read_object(write_npz(tmp_path / "b", {}, {"x": np.array([object()])}))
    assert Table.load(path).attrs == grid().attrs


def read_object(path):
    with np.load(path, allow_pickle=False) as file:
        return file["a/x"]


def damaged(tmp_path, how):
    path = grid().save(tmp_path / "a")
    raw = path.read_bytes()
    path.write_bytes(how(raw))
    return path


@pytest.mark.parametrize(
    "how",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: b"",
        lambda raw: b"text",
        lambda raw: raw[:150] + b"\0" * 60 + raw[210:],
    ],
    ids=["truncated", "empty", "text", "corrupt"],
)
def test_damaged_files(tmp_path, how):
    with pytest.raises(AtlasError, match="record it again"):
        Table.load(damaged(tmp_path, how))


def test_other_files(tmp_path):
    with pytest.raises(AtlasError, match="check the name"):
        Table.load(tmp_path / "missing.npz")
    with pytest.raises(AtlasError, match=r"wl\.load"):
        Table.load(write_npz(tmp_path / "run", {"kind": "trace"}, {}))
    np.savez(tmp_path / "alien.npz", x=np.zeros(3))
    with pytest.raises(AtlasError, match="no record of this project"):
        read_npz(tmp_path / "alien.npz")
    text = np.frombuffer(json.dumps({"widgetlib": 99}).encode(), dtype=np.uint8)
    np.savez(tmp_path / "future.npz", header=text)
    with pytest.raises(AtlasError, match="format 99"):
        read_npz(tmp_path / "future.npz")


def test_holds_no_pickle(tmp_path):
    with zipfile.ZipFile(grid().save(tmp_path / "a")) as file:
        assert all(b"pickle" not in file.read(n) for n in file.namelist())


@pytest.mark.parametrize(
    ("make", "error", "say"),
    [
        (lambda: Table({"a": (np.zeros(3), ("x", "y"))}), AtlasError, "name each axis once"),
        (lambda: Table({"a": (np.zeros(3), ("x",)), "b": (np.zeros(2), ("x",))}), AtlasError, "length 2 along 'x'"),
        (lambda: grid().take(stap=1), AtlasError, r"did you mean step\?"),
        (lambda: grid()["los"], KeyError, r"did you mean loss\?"),
    ],
)
def test_says_what_to_do(make, error, say):
    with pytest.raises(error, match=say):
        make()


def test_shown_in_a_notebook():
    assert "loss" in repr(grid()) and "step × lr" not in repr(grid())
    assert "<td style='text-align:left'>step (3) × lr (2)</td>" in grid()._repr_html_()
    rows = Table({"slug": (np.array(["a<b", "c"]), ("entry",))})._repr_html_()
    assert "a&lt;b" in rows and rows.count("<tr>") == 3
