"""The state of a dashboard in the page's address, so that a link opens what somebody else saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import anywidget
import traitlets

LONGEST = 4000
"""Characters of an address that are looked at; anything may stand there."""


class Address(anywidget.AnyWidget):
    """Reads the query of the page's address once, then keeps the address up to date.

    Works in pages served by Voilà. In JupyterLab the address belongs to Lab: there the widget reads and
    writes nothing. It must be displayed (it takes no room) for the page to know it.

    `query` is set by the page, once, with its leading question mark (`"?"` where there is none): observe it
    to learn that the page is there. `state` is set by the dashboard: its items are laid over the query,
    empty values leave it, and what else stands in the address (the theme) stays.
    """

    _esm = Path(__file__).parent / "address.js"

    query = traitlets.Unicode().tag(sync=True)
    state = traitlets.Dict(value_trait=traitlets.Unicode(), key_trait=traitlets.Unicode()).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.layout.display = "none"

    def parameters(self) -> dict[str, str]:
        """The query as names and texts, from whoever wrote the link: validate before use."""
        return dict(parse_qsl(self.query[:LONGEST].removeprefix("?")))
