"""One worker a dashboard: the latest wish counts, Stop shows what there is, no error is lost."""

import threading
import time

import pytest

from widgetlib.core.words import AtlasError
from widgetlib.widgets.guarded import StatusLine
from widgetlib.widgets.worker import Cancelled, Pace, Worker


@pytest.fixture
def status():
    return StatusLine()


def test_a_flood_of_wishes_ends_with_the_last(status):
    worker, done = Worker(status), []

    def wish(i):
        def job(token):
            for _ in range(200):
                token.check()
                time.sleep(0.001)
            done.append(i)

        return job

    for i in range(50):
        worker.ask(wish(i))
        time.sleep(0.002)
    assert worker.wait(10)
    assert done[-1] == 49
    assert len(done) < 5  # the stale ones ended early


def test_stop_ends_the_job_and_lets_it_show_what_there_is(status):
    worker, shown, begun = Worker(status), [], threading.Event()

    def job(token):
        begun.set()
        steps = 0
        while not token.ended and steps < 10_000:
            steps += 1
            time.sleep(0.001)
        token.check()  # stopped is not stale: nothing is raised
        shown.append(steps)

    worker.ask(job)
    assert begun.wait(5)
    worker.stop()
    assert worker.wait(5)
    assert 0 < shown[0] < 10_000


def test_an_error_becomes_a_sentence_and_the_worker_lives_on(status):
    worker, done = Worker(status), []

    def wrong(token):
        raise AtlasError("choose a smaller rate.")

    worker.ask(wrong)
    assert worker.wait(5)
    assert "choose a smaller rate." in status.value
    worker.ask(lambda token: 1 / 0)
    assert worker.wait(5)
    assert "division by zero" in status.value
    worker.ask(lambda token: done.append(1))
    assert worker.wait(5) and done == [1]


def test_the_error_of_a_job_nobody_waits_for_is_silent(status):
    worker, begun, go = Worker(status), threading.Event(), threading.Event()

    def stale(token):
        begun.set()
        go.wait(5)
        raise RuntimeError("late")

    worker.ask(stale)
    assert begun.wait(5)
    worker.ask(lambda token: None)
    go.set()
    assert worker.wait(5)
    assert "late" not in status.value


def test_busy_is_told_when_work_begins_and_ends(status):
    heard = []
    worker = Worker(status, heard.append)
    worker.wait(5)
    worker.ask(lambda token: time.sleep(0.01))
    assert worker.wait(5)
    assert heard[-2:] == [True, False]


def test_cancelled_is_no_error(status):
    worker = Worker(status)

    def job(token):
        raise Cancelled

    worker.ask(job)
    assert worker.wait(5)
    assert "wrong" not in status.value


def test_pace_lets_through_so_many_a_second():
    pace = Pace(20)
    end, times = time.perf_counter() + 0.5, 0
    while time.perf_counter() < end:
        times += pace.due()
    assert 5 <= times <= 11
