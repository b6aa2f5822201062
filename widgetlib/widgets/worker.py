"""One thread that computes for a dashboard; only the latest wish counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from widgetlib.widgets.guarded import StatusLine, guarded


class Cancelled(Exception):
    """Raised inside a job that nobody waits for any more."""


class Token:
    """How a job learns that it should end.

    `stale`: another wish has come, nobody waits for this one. `stopped`: the person pressed Stop and wants
    to see what there is. `ended`: either.
    """

    def __init__(self) -> None:
        self.stale = self.stopped = False

    @property
    def ended(self) -> bool:
        """Whether to stop computing."""
        return self.stale or self.stopped

    def check(self) -> None:
        """Raises Cancelled where the job is stale."""
        if self.stale:
            raise Cancelled

    def rest(self, seconds: float) -> None:
        """Waits, and raises Cancelled as soon as the job is stale: lets the page have what it was sent."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end and not self.ended:
            time.sleep(0.005)
        self.check()


class Worker:
    """Runs jobs one at a time on a daemon thread; a new wish makes the old one stale.

    An exception of a job becomes a sentence on the status line (an interrupt does not reach a thread, so the
    token is the only way to stop one).

    Args:
        status: where errors are put into words.
        busy: called with True when work begins and False when nothing is left to do, on the worker's thread.
    """

    def __init__(self, status: StatusLine, busy: Callable[[bool], None] = lambda _: None):
        self._status, self._busy = status, busy
        self._condition = threading.Condition()
        self._wish: Callable[[Token], None] | None = None
        self._token = Token()
        self._working = False
        threading.Thread(target=self._run, daemon=True, name="atlas-worker").start()

    def ask(self, job: Callable[[Token], None]) -> None:
        """Wants `job` done, and whatever was asked before no more."""
        with self._condition:
            self._token.stale = True
            self._wish = job
            self._condition.notify()

    @property
    def working(self) -> bool:
        """Whether a job is under way or wanted."""
        return self._working or self._wish is not None

    def stop(self) -> None:
        """Stops the job under way; it shows what there is."""
        with self._condition:
            self._token.stopped = True

    def wait(self, seconds: float = 30.0) -> bool:
        """Waits until nothing is left to do; for tests and scripts. False where it took longer."""
        with self._condition:
            return self._condition.wait_for(lambda: self._wish is None and not self._working, seconds)

    def _run(self) -> None:
        while True:
            with self._condition:
                self._working = False
                if self._wish is None:
                    guarded(self._busy, self._status)(False)
                self._condition.notify_all()
                self._condition.wait_for(lambda: self._wish is not None)
                job, self._wish = self._wish, None
                self._token = token = Token()
                self._working = True
            guarded(self._busy, self._status)(True)
            guarded(_quiet, self._status)(job, token)


def _quiet(job: Callable[[Token], None], token: Token) -> None:
    """A job that was cancelled, or failed after nobody waited for it, ends without a word."""
    try:
        job(token)
    except Cancelled:
        pass
    except Exception:
        if not token.stale:
            raise


class Pace:
    """Lets something happen at most so many times a second."""

    def __init__(self, hertz: float):
        self._gap, self._next = 1 / hertz, 0.0

    def due(self) -> bool:
        """Whether it may happen now."""
        now = time.perf_counter()
        if now < self._next:
            return False
        self._next = now + self._gap
        return True
