"""Controls are made from the fields that a file declares."""

import ipywidgets
import numpy as np
import pytest

from widgetlib import catalog
from widgetlib.widgets.controls import Controls

WIDGETS = {"float": ipywidgets.FloatSlider, "int": ipywidgets.IntSlider, "choice": ipywidgets.Dropdown}
ENTRIES = [*catalog.methods(), *catalog.problems()]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.slug)
def test_every_field_has_a_control_with_its_default_and_range(entry):
    controls = Controls(entry, lambda: None)
    make = catalog.problem if entry.kind == "problem" else catalog.method
    make(entry.slug, **controls.values())  # the defaults are legal
    for field in entry.fields:
        control, _ = controls.find(field.name)
        if field.range is None:
            continue
        if field.range.log:
            assert isinstance(control, ipywidgets.FloatLogSlider)
            assert 10**control.min == pytest.approx(field.range.low)
            assert 10**control.max == pytest.approx(field.range.high)
        else:
            assert isinstance(control, WIDGETS[field.kind])
            assert (control.min, control.max) == (field.range.low, field.range.high)
        assert control.value == pytest.approx(field.default)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.slug)
def test_a_slider_at_either_end_gives_a_legal_value(entry):
    controls = Controls(entry, lambda: None)
    make = catalog.problem if entry.kind == "problem" else catalog.method
    for end in ("min", "max"):
        for field in entry.fields:
            if field.range is not None:
                control, _ = controls.find(field.name)
                at = getattr(control, end)
                control.value = 10**at if isinstance(control, ipywidgets.FloatLogSlider) else at
        make(entry.slug, **controls.values())


def wrappers():
    return [e for e in catalog.methods() if any(f.kind == "method" for f in e.fields)]


@pytest.mark.parametrize("entry", wrappers(), ids=lambda e: e.slug)
def test_a_wrapper_shows_the_fields_of_its_base_and_changes_them_with_it(entry):
    heard = []
    controls = Controls(entry, lambda: heard.append(1))
    name = next(f.name for f in entry.fields if f.kind == "method")
    menu, field = controls.find(name)
    assert {f"{name}.{f.name}" for f in catalog.entry(field.default).fields} <= set(controls.names())
    for _, base in menu.options:
        menu.value = base
        inner = {n.partition(".")[2] for n in controls.names() if n.startswith(name + ".")}
        assert inner == {f.name for f in catalog.entry(base).fields}
        catalog.method(entry.slug, **controls.values())
    assert heard


def test_values_of_a_link_that_do_not_fit_fall_back_to_the_default():
    entry = next(e for e in catalog.methods() if any(f.kind == "float" for f in e.fields))
    field = next(f for f in entry.fields if f.kind == "float")
    for wrong in ("high", float("nan"), field.range.high * 10):
        assert Controls(entry, lambda: None, {field.name: wrong}).values()[field.name] == field.default


def test_the_rounding_that_a_page_sends_back_is_no_change():
    entry = next(e for e in catalog.methods() for f in e.fields if f.range and not f.range.log and f.kind == "float")
    field = next(f for f in entry.fields if f.range and not f.range.log and f.kind == "float")
    controls = Controls(entry, lambda: None)
    before = controls.values()
    control, _ = controls.find(field.name)
    control.value = control.value * (1 + 1e-15)
    assert controls.values() == before


def test_the_stop_to_which_a_page_moves_a_log_slider_is_no_change_and_the_next_one_is():
    entry = next(e for e in catalog.methods() for f in e.fields if f.name == "lr")
    controls = Controls(entry, lambda: None, {"lr": 0.05})
    control, _ = controls.find("lr")
    step, low = control.step, control.min
    stop = low + step * round((np.log10(0.05) - low) / step)
    control.value = 10**stop
    assert control.value != 0.05 and controls.values()["lr"] == 0.05
    control.value = 10 ** (stop + step)
    assert controls.values()["lr"] == pytest.approx(10 ** (stop + step))
    controls.put("lr", 0.3)
    assert controls.values()["lr"] == 0.3 == control.value
