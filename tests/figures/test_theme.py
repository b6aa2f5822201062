import itertools

import numpy as np
import pytest

from widgetlib.core.words import AtlasError
from widgetlib.figures import theme

# Machado, Oliveira and Fernandes (2009), severity 1, on linear rgb
EYES = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def linear(colour):
    rgb = np.array(list(bytes.fromhex(colour[1:]))) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = (
        np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one, other):
    light, dark = sorted((linear(c) @ [0.2126, 0.7152, 0.0722] for c in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#111111"])
@pytest.mark.parametrize("colour", [*theme.PALETTE, theme.NEUTRAL])
def test_every_colour_is_visible_on_both_pages(colour, page):
    assert contrast(colour, page) >= 3


@pytest.mark.parametrize("eyes", EYES)
def test_colours_stay_apart_for_colour_blind_eyes(eyes):
    seen = [lab(EYES[eyes] @ linear(c)) for c in (*theme.PALETTE, theme.NEUTRAL)]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 20


def test_colours_are_fixed():
    """The colours of lessons and screenshots: neither Python's own hash nor the order of a list decides them."""
    fixed = {"gd": "#4059cb", "heavy_ball": "#2da863", "adam": "#ff5d00", "sam": "#b76cb5"}
    assert {slug: theme.colour(slug) for slug in fixed} == fixed


def test_dashes_tell_collisions_apart():
    looks = {(theme.colour(slug), theme.dash(slug)) for slug in (f"method_{i}" for i in range(300))}
    assert len(looks) == len(theme.PALETTE) * len(theme.DASHES)


def test_fade():
    assert theme.fade("#ff8000", 0.25) == "rgba(255,128,0,0.25)"


@pytest.mark.parametrize("name", theme.THEMES)
def test_text_of_a_theme_is_readable(name):
    page = theme.THEMES[name]["paper_bgcolor"]
    assert contrast(theme.THEMES[name]["font"]["color"], page) >= 7
    assert contrast(theme.THEMES[name]["axis"]["linecolor"], page) >= 3


def test_themed_reaches_every_axis_and_keeps_what_is_set():
    layout = {
        "font": {"size": 13},
        "xaxis": {"type": "log"},
        "yaxis3": {"gridcolor": "#123456"},
        "scene": {"zaxis": {"nticks": 3}},
    }
    new = theme.themed(layout, "dark")
    axis = theme.THEMES["dark"]["axis"]
    assert new["paper_bgcolor"] == new["plot_bgcolor"] == new["scene"]["bgcolor"] == "#111111"
    assert new["font"] == {"size": 13, "color": "#ececec"}
    assert new["xaxis"] == {"type": "log", **axis}
    assert new["yaxis3"] == {**axis, "gridcolor": "#123456"}
    assert new["scene"]["xaxis"] == new["scene"]["yaxis"] == axis
    assert new["scene"]["zaxis"] == {"nticks": 3, **axis}
    assert "paper_bgcolor" not in layout and layout["xaxis"] == {"type": "log"}


def test_unknown_theme():
    with pytest.raises(AtlasError, match="did you mean dark"):
        theme.themed({}, "drak")
