"""What a visitor may not do to the server: hostile frames, too many kernels, odd parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psutil
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.web import HTTPError, RequestHandler

PARTS = 64
"""Most parts of a binary message; ours have less than ten."""
KERNEL = 400 * 2**20
"""Memory that a kernel with torch and a small network takes, bytes, with room to breathe."""
LARGEST_FRAME = 4 * 2**20
"""Bytes of one websocket message; a visitor only sends numbers and short texts."""


class GuardedConnection(ZMQChannelsWebsocketConnection):
    """Closes a socket whose binary message claims more parts than any widget sends.

    The count stands in the first bytes of a frame and is believed by the parser, which then allocates that
    many offsets: 24 bytes would take gigabytes.
    """

    def handle_incoming_message(self, incoming_msg: str | bytes) -> None:
        """Passes a message on to the kernel, or closes the socket."""
        if isinstance(incoming_msg, bytes) and parts(incoming_msg, self.subprotocol) > PARTS:
            self.log.warning("closed a websocket: its message claims more than %d parts", PARTS)
            self.websocket_handler.close(1009, "too many parts")
            return
        super().handle_incoming_message(incoming_msg)


def parts(frame: bytes, subprotocol: str | None) -> int:
    """The number of parts that a binary frame claims to have, in the protocol of its socket."""
    if subprotocol == "v1.kernel.websocket.jupyter.org":
        return int.from_bytes(frame[:8], "little")
    return int.from_bytes(frame[:4], "big")


def kernels_for(memory: int | None = None) -> int:
    """How many kernels fit.

    Args:
        memory: bytes to fill; None means two thirds of what is free now.

    Returns:
        At least 2, at most 200.
    """
    memory = psutil.virtual_memory().available * 2 // 3 if memory is None else memory
    return min(max(memory // KERNEL, 2), 200)


def admission(most: int) -> Callable[..., None]:
    """A prelaunch hook for Voilà that admits a page if a kernel is to be had and its theme exists.

    Args:
        most: the largest number of kernels that may live at a time.
    """

    def admit(handler: RequestHandler, **_notebook: Any) -> None:
        theme = handler.get_argument("theme", "light")
        if theme not in ("light", "dark"):  # the stock template would write it into the page
            raise HTTPError(400, "The theme of a page is light or dark.")
        manager = handler.settings["kernel_manager"]
        # also those on their way: forty pages may open at once
        living = len(set(manager.list_kernel_ids()) | set(manager._pending_kernels))
        if living >= most:
            raise HTTPError(503, f"The server has room for {most} at a time, and every place is taken.")

    return admit
