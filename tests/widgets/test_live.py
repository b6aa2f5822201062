"""What a live figure, the address and the guarded callbacks send, without a browser."""

from __future__ import annotations

import gzip
import json
import logging

import numpy as np
import pytest

from widgetlib.core.words import AtlasError
from widgetlib.figures.picture import Picture
from widgetlib.widgets.address import Address
from widgetlib.widgets.guarded import StatusLine, guarded
from widgetlib.widgets.live import LiveFigure, bundle, bundle_name, pack


def unpack(placeholder: dict, arrays: bytes) -> np.ndarray:
    """The array behind a placeholder, as the page rebuilds it."""
    offset, shape, kind = placeholder["$"]
    return np.frombuffer(arrays, "<" + kind, count=int(np.prod(shape)), offset=offset).reshape(shape)


def picture(data=(), layout=None, cursors=()) -> Picture:
    """A picture with these parts."""
    return Picture(list(data), layout or {}, "It shows a test.", list(cursors))


def test_arrays_travel_as_bytes_and_come_back():
    x, z = np.arange(5), np.random.default_rng(0).normal(size=(3, 4)).T  # integers, and not C-contiguous
    spec, arrays = pack(picture([{"x": x, "z": z, "marker": {"size": x + 1}}]))
    trace = spec["data"][0]
    assert np.array_equal(unpack(trace["x"], arrays), x)
    assert np.array_equal(unpack(trace["z"], arrays), z.astype(np.float32))
    assert np.array_equal(unpack(trace["marker"]["size"], arrays), x + 1)
    assert len(arrays) == 4 * (5 + 12 + 5)


def test_what_single_precision_would_lose_travels_in_double():
    loss = np.array([1.0, 1e-60, np.nan, 1e200, np.inf])
    spec, arrays = pack(picture([{"y": loss}]))
    assert np.array_equal(unpack(spec["data"][0]["y"], arrays), loss, equal_nan=True)


def test_the_description_is_strict_json():
    layout = {"xaxis": {"range": np.array([0, np.inf])}, "width": float("nan"), "title": np.str_("a"), "on": np.True_}
    spec, _ = pack(picture([{"name": "b", "text": np.array(["c", "d"]), "x": np.float64(np.nan)}], layout))
    again = json.loads(json.dumps(spec, allow_nan=False))
    assert again["layout"] == {"xaxis": {"range": [0.0, None]}, "width": None, "title": "a", "on": True}
    assert again["data"] == [{"name": "b", "text": ["c", "d"], "x": None}]
    assert again["reading"] == "It shows a test."


@pytest.mark.parametrize("value", [np.array([1j]), 1j, object(), np.array([object()])])
def test_what_cannot_be_drawn_is_refused_with_a_sentence(value):
    with pytest.raises(AtlasError, match="cannot draw"):
        pack(picture([{"x": value}]))


@pytest.mark.parametrize(
    "cursor",
    [
        {"trace": 1, "step": np.arange(2), "x": np.arange(2), "y": np.arange(2)},
        {"trace": 0, "step": np.arange(2), "x": np.arange(3), "y": np.arange(2)},
        {"trace": 0, "step": np.arange(0), "x": np.arange(0), "y": np.arange(0)},
    ],
)
def test_a_cursor_that_fits_no_trace_is_refused(cursor):
    with pytest.raises(AtlasError, match="Cursor 0"):
        pack(picture([{"x": np.arange(2)}], cursors=[cursor]))


def test_a_drawing_is_one_message(monkeypatch):
    figure, sent = LiveFigure(height=200), []
    monkeypatch.setattr(figure, "send_state", lambda key=None: sent.append(set(key)))
    figure.draw(picture([{"x": np.arange(3)}]))
    figure.draw(picture([{"x": np.arange(4)}]))
    assert sent == [{"spec", "arrays", "revision"}] * 2
    assert figure.revision == 2
    assert figure.cursor == -1


def test_plotly_is_sent_when_the_page_asks_and_only_then(monkeypatch):
    figure, sent = LiveFigure(), []
    monkeypatch.setattr(figure, "send", lambda content, buffers=None: sent.append((content, buffers)))
    figure._handle_custom_msg({"ask": "the password"}, [])
    assert sent == []
    figure._handle_custom_msg({"ask": "plotly"}, [])
    assert sent == [({"give": "plotly"}, [bundle()])]
    assert b"plotly.js v" in gzip.decompress(bundle())[:200]
    assert bundle_name().endswith(".min.js.gz")


def test_a_guarded_callback_says_what_is_wrong(caplog):
    status = StatusLine()

    def refuse():
        raise AtlasError("The rate must be positive: use 0.1.")

    def break_down(_change):
        raise KeyError("<script>")

    guarded(refuse, status)()
    assert "The rate must be positive: use 0.1." in status.value
    assert not caplog.records
    with caplog.at_level(logging.ERROR, "widgetlib"):
        assert guarded(break_down, status)({}) is None
    assert "Something went wrong" in status.value and "please report it" in status.value
    assert "<script>" not in status.value  # a text is shown, never run
    assert "KeyError" in caplog.text
    assert guarded(lambda a, b=1: a + b, status)(1, b=2) == 3


def test_the_address_is_read_as_untrusted_text():
    address = Address()
    address.query = "?method=adam&lr=1e-3&empty=&x=%ff"
    assert address.parameters() == {"method": "adam", "lr": "1e-3", "x": "�"}
    address.query = "?a=" + "b" * 10**6
    assert len(address.parameters()["a"]) < 5000
    address.query = "?"
    assert address.parameters() == {}
