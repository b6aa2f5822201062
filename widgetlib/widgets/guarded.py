"""No callback fails in silence: ipywidgets swallows their exceptions, so each is wrapped here, in one place."""

from __future__ import annotations

import functools
import html
import logging
from collections.abc import Callable
from typing import Any

import ipywidgets

from widgetlib.core.words import AtlasError

log = logging.getLogger("widgetlib")


class StatusLine(ipywidgets.HTML):
    """One line of text that screen readers announce when it changes; its text is shown as it is, never as HTML."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.add_class("atlas-status")
        self.say("")

    def say(self, text: str) -> None:
        """Shows a sentence; the empty text clears the line."""
        self.value = f'<span role="status">{html.escape(text)}</span>'

    def complain(self, text: str) -> None:
        """Shows a sentence about something that went wrong."""
        self.value = f'<span role="alert" class="atlas-alert">{html.escape(text)}</span>'


def guarded(function: Callable[..., Any], status: StatusLine) -> Callable[..., Any]:
    """A callback that puts its exceptions into words on a status line.

    Args:
        function: the callback of an `observe`, an `on_click`, or the body of a worker thread.
        status: where the sentence goes. The traceback of an unforeseen error goes to the log `widgetlib`.

    Returns:
        The function with the same arguments; it returns None where the original raised.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except AtlasError as problem:
            status.complain(str(problem))
        except Exception as problem:
            log.exception("a callback failed: %s", getattr(function, "__qualname__", function))
            text = str(problem) or type(problem).__name__
            status.complain(f"Something went wrong: {text}. The rest of the page still works; please report it.")
        return None

    return call
