"""Parts that dashboards share."""

from __future__ import annotations

import ipywidgets as w

from widgetlib.dashboards.parts import greet
from widgetlib.widgets.address import Address
from widgetlib.widgets.live import LiveFigure


def test_a_page_that_opens_is_told_the_state_of_every_control(monkeypatch):
    told = []
    address, button, figure = Address(), w.Button(), LiveFigure()
    root = w.VBox([w.HBox([button, address]), figure])
    greet(root, address)
    monkeypatch.setattr(w.Widget, "send_state", lambda self, key=None: told.append(self))
    address.query = "?method=adam"
    assert {root, root.children[0], button, button.layout} <= set(told)
    assert figure not in told
    assert address.layout not in told
