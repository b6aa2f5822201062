"""A lesson without a browser: stages run, predictions are compared and kept, and the solutions pass."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from widgetlib.core.words import AtlasError
from widgetlib.course import pictures
from widgetlib.course.build import notebook
from widgetlib.course.lesson import Lesson, setting
from widgetlib.course.look import look, preset
from widgetlib.course.question import Choice, Number
from widgetlib.course.stage import Stage
from widgetlib.course.toy import Slider, Toy
from widgetlib.widgets.live import pack
from widgetlib.widgets.worker import Token

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "lessons" / "01_edge_of_stability.py"
FAST = preset("fast", "gd", "quadratic", 60, lr=0.1)
WORDS = {"result": "It was {:.3g}.", "why": "Because."}


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SERVER_SOFTWARE", raising=False)
    return Lesson("01_edge_of_stability", "ada")


def answer(prediction, value):
    prediction.question._heard(prediction.question, {"answer": value}, [])
    if prediction.stage:
        assert prediction.stage.worker.wait(30)
    return prediction.question.feedback


def execute(text, folder):
    book = nbformat.reads(text, as_version=4)
    NotebookClient(book, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    outputs = {cell.id: cell.outputs for cell in book.cells if cell.cell_type == "code"}
    assert [o for outs in outputs.values() for o in outs if o.output_type == "stream" and o.name == "stderr"] == []
    checks = [cell.id for cell in book.cells if "check" in cell.metadata.get("tags", [])]
    return [outputs[name][0].data["text/plain"] for name in checks]


def test_every_check_passes_in_the_solution_notebook(tmp_path):
    found = execute(notebook(SOURCE, solutions=True), tmp_path)
    assert len(found) == 3 and all(text.startswith("right:") for text in found), found


def test_untouched_exercises_say_so_in_the_student_notebook(tmp_path):
    found = execute(notebook(SOURCE), tmp_path)
    assert len(found) == 3 and all(text.startswith("unanswered:") for text in found), found
    assert not (tmp_path / "answers").exists()


def test_a_dashboard_hides_exercises_and_keeps_the_rest():
    cells = json.loads(notebook(SOURCE))["cells"]
    hidden = {cell["id"] for cell in cells if "voila-hide" in cell["metadata"].get("tags", [])}
    assert {cell["id"] for cell in cells if cell["id"].startswith("exercise")} <= hidden
    shown = [cell for cell in cells if cell["id"] not in hidden]
    text = "\n".join("".join(cell["source"]) for cell in shown)
    assert text.count("lesson.predict(") == 5 and text.count("lesson.stage(") == 4
    assert "Exercise" not in text and "exercise" not in text.replace("exercises", "")


def test_the_dashboard_is_there_before_torch():
    cells = json.loads(notebook(SOURCE))["cells"]
    code = "\n".join(
        "".join(c["source"])
        for c in cells
        if c["cell_type"] == "code" and "voila-hide" not in c["metadata"].get("tags", [])
    )
    check = "import sys; assert not {'torch', 'plotly'} & set(sys.modules); assert bowl.figures[0].revision > 0"
    subprocess.run([sys.executable, "-c", f"{code}\n{check}"], check=True, cwd=ROOT)


def test_a_wrong_prediction_gets_its_feedback_and_a_second_one_is_kept_too(lesson, tmp_path):
    choices = [Choice("no", 0, 5, "Tempting."), Choice("yes", 5, 99)]
    asked = lesson.predict("q", "Ten?", choices, FAST, lambda seen: seen.late(), **WORDS)
    assert asked.question.given == []
    feedback = answer(asked, 0)
    assert feedback["tone"] == "wrong"
    assert "“no”" in feedback["text"] and "It was 10." in feedback["text"] and "Tempting." in feedback["text"]
    assert asked.stage.figure.revision > 0 and asked.stage.body.layout.display == ""
    assert answer(asked, 1)["tone"] == "right"
    stored = json.loads((tmp_path / "answers" / "01_edge_of_stability.json").read_text())
    assert [entry["answer"] for entry in stored["predictions"]["q"]] == ["no", "yes"]
    assert asked.question.given == ["“no”", "“yes”"] and asked.question.filename == ""
    assert json.loads(asked.question.document) == stored


def test_a_served_page_offers_a_download_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5")
    lesson = Lesson("01_edge_of_stability")
    asked = lesson.predict("q", "Ten?", Number(0, 50), FAST, lambda seen: seen.late(), **WORDS)
    assert answer(asked, 10)["tone"] == "right"
    assert asked.question.filename == "01_edge_of_stability.json"
    assert json.loads(asked.question.document)["predictions"]["q"][0]["measured"] == pytest.approx(10)
    assert list(tmp_path.iterdir()) == []


def test_a_toy_is_set_by_a_prediction(lesson):
    toy = Toy([pictures.parabola], steps=30, lr=Slider("lr", 0.1, 0, 1, 0.1), curvature=Slider("c", 1, 1, 9, 1))
    before = toy.figures[0].revision
    asked = lesson.predict("q", "Half?", Number(0, 1), setting(toy, lr=0.5), lambda at: at["lr"], **WORDS)
    assert answer(asked, 0.2)["tone"] == "wrong"
    assert toy.values()["lr"] == 0.5 and toy.figures[0].revision > before
    with pytest.raises(AtlasError, match="no slider of this toy takes"):
        toy.set(speed=1)


def test_a_run_that_fails_or_is_stopped_asks_again(lesson, monkeypatch):
    asked = lesson.predict("q", "Ten?", Number(0, 50), FAST, lambda seen: seen.late(), **WORDS)

    def fail(*_):
        raise RuntimeError("no memory")

    monkeypatch.setattr("widgetlib.course.stage.look", fail)
    assert "press Run again" in answer(asked, 3)["text"]
    assert not asked.question.busy and "no memory" in asked.stage.status.value
    assert lesson.answers.of("q")[0]["measured"] is None


def test_one_stage_runs_at_a_time(lesson):
    long = preset("long", "gd", "digits_mlp", 3000, lr=0.1, on={"subset": 200, "width": 8})
    first, second = lesson.stage("{long}", long), lesson.stage("{fast}", FAST)
    went = threading.Event()
    first.figure.observe(lambda _: went.set(), "revision")
    first.prose._heard(first.prose, {"preset": 0}, [])
    assert went.wait(30)
    second.prose._heard(second.prose, {"preset": 0}, [])
    assert second.worker.wait(30) and first.worker.wait(30)
    assert "Stopped" in first.status.value and first.seen.run["step"][-1] < 3000
    assert "Done" in second.status.value and second.prose.active == 0


@pytest.mark.parametrize("content", [None, {}, {"preset": "0"}, {"preset": 7}, {"preset": -1}, [1]])
def test_a_press_from_a_strange_page_starts_nothing(lesson, content):
    stage = lesson.stage("{fast}", FAST)
    stage.prose._heard(stage.prose, content, [])
    assert not stage.worker.working and stage.prose.active == -1


def test_prose_is_parted_at_its_buttons():
    prose = Stage("First {fast}.\n\nSecond\nline.", (FAST,)).prose
    assert prose.paragraphs == [
        [{"text": "First "}, {"text": "fast", "preset": 0}, {"text": "."}],
        [{"text": "Second line."}],
    ]
    with pytest.raises(AtlasError, match="differ"):
        Stage("First {slow}.", (FAST,))


def test_a_rate_that_changes_half_way_moves_the_limit():
    seen = look(preset("x", "gd", "quadratic", 100, lr=0.1, then={"lr": 0.05}), Token(), lambda *_: None)
    assert list(seen.run["step"][[0, -1]]) == [0, 100]
    assert np.isfinite(seen.run["loss"]).all()
    limit = dict(zip(seen.sharpness["step"], seen.sharpness["limit"], strict=True))
    assert (limit[0], limit[100]) == (20, 40)
    assert seen.late("limit") == 40 and seen.ratio() == pytest.approx(0.25)


def test_the_meter_is_measured_where_it_is_asked_for():
    seen = look(preset("x", "gd", "quadratic", 50, lr=0.19, meter=True), Token(), lambda *_: None)
    assert seen.meter["full"][-1].real.min() == pytest.approx(1 - 0.19 * 10)


@pytest.mark.parametrize(
    ("arguments", "fields", "says"),
    [
        (("nothing", "quadratic", 10), {}, "nothing"),
        (("gd", "nowhere", 10), {}, "nowhere"),
        (("gd", "quadratic", 10), {"speed": 1}, "speed"),
        (("gd", "quadratic", 10), {"lr": -1.0}, "lr"),
        (("gd", "quadratic", 10), {"then": {"lr": 1e9}}, "lr"),
        (("sam", "quadratic", 10), {"base.speed": 1.0}, "speed"),
        (("gd", "quadratic", 10), {"on": {"depth": 3}}, "depth"),
        (("gd", "quadratic", 1), {}, "at least 2"),
    ],
)
def test_a_preset_that_does_not_fit_is_refused(arguments, fields, says):
    with pytest.raises(AtlasError, match=says):
        preset("x", *arguments, **fields)


def test_an_unknown_exercise_is_refused(lesson):
    with pytest.raises(AtlasError, match="no exercise 'first'"):
        lesson.check("first", len)


def test_the_model_of_self_stabilisation_closes_and_has_its_mean():
    for sharpening in (0.01, 0.04, 0.16):
        x, y = pictures.cycle(sharpening, steps=2000)
        assert np.mean(x**2) == pytest.approx(2 * sharpening, rel=0.03)
        assert abs(np.mean(y)) < 0.1 * np.abs(y).max()
        assert np.abs(x[-400:]).max() == pytest.approx(np.abs(x[:400]).max(), rel=0.05)


@pytest.mark.parametrize(("lr", "beta"), [(0.19, 0.0), (0.21, 0.0), (0.37, 0.9), (0.39, 0.9), (0.1, 0.9), (0.2, 0.0)])
def test_pictures_agree_with_the_iterates_and_can_be_sent(lr, beta):
    stable = np.abs(pictures.multipliers(lr, 10.0, beta)).max() <= 1
    assert stable == (lr * 10 <= 2 + 2 * beta)
    assert (np.abs(pictures.descend(lr, 10.0, beta, 400)[-2:]).max() < 1.01) == stable
    shown = [pictures.swing(lr, 10.0, beta), pictures.circle(lr, 10.0, beta), pictures.parabola(lr, 10.0)]
    assert all(pack(picture)[0]["reading"] for picture in shown)
    assert ("outside" in shown[1].reading) != stable


def test_readings_name_the_edge_itself():
    assert "the edge" in pictures.circle(0.2, 10.0).reading
    assert "neither" in pictures.parabola(0.2, 10.0).reading
    assert "root mean square) is 0.28" in pictures.bursts(0.04).reading and "2/lr" in pictures.orbit(0.04).reading
