"""The set-up behind `make app`: which torch it takes and what it says on failure; nothing is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

import setup_env

INDEX = setup_env.CPU_WHEELS


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """An empty environment, and a pip that writes down its arguments and refuses those that hold a word."""
    asked, refused = [], {"--no-index"}
    monkeypatch.setattr(setup_env, "LOG", tmp_path / "setup.log")
    monkeypatch.setattr(setup_env, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(setup_env, "has_nvidia_card", lambda: False)
    monkeypatch.setattr(setup_env, "answers", lambda address: True)
    monkeypatch.setattr(sys, "platform", "linux")

    def pip(*arguments):
        asked.append(arguments)
        if refused & set(arguments):
            raise setup_env.SetupError("refused")

    monkeypatch.setattr(setup_env, "pip", pip)
    return asked, refused


def test_the_wheel_without_cuda_where_no_card_answers(machine):
    asked, _ = machine
    setup_env.install_torch("0.0")
    assert asked[1:] == [("--no-deps", "--index-url", INDEX, "torch==0.0")]


def test_the_default_wheel_where_a_card_answers(machine, monkeypatch):
    asked, _ = machine
    monkeypatch.setattr(setup_env, "has_nvidia_card", lambda: True)
    setup_env.install_torch("0.0")
    assert asked[1:] == [("torch==0.0",)]


def test_an_index_that_does_not_answer_stops_nothing(machine, monkeypatch, capsys):
    asked, _ = machine
    monkeypatch.setattr(setup_env, "answers", lambda address: False)
    setup_env.install_torch("0.0")
    assert asked[1:] == [("torch==0.0",)] and "2.7 GB" in capsys.readouterr().out


def test_an_index_without_the_wheel_stops_nothing(machine):
    asked, refused = machine
    refused.add("--index-url")
    setup_env.install_torch("0.0")
    assert asked[-1] == ("torch==0.0",)


def test_a_wheel_that_pip_is_offered_comes_first(machine):
    asked, refused = machine
    refused.clear()
    setup_env.install_torch("0.0")
    assert asked == [("--no-deps", "--no-index", "--quiet", "torch==0.0")]


def test_an_installed_torch_is_kept(machine):
    from importlib.metadata import version

    asked, _ = machine
    setup_env.install_torch(version("torch").partition("+")[0])
    assert asked == []


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("WARNING: Retrying after connection broken by 'NewConnectionError'", "connect this computer"),
        ("ERROR: No space left on device", "No space left on device"),
    ],
)
def test_a_failure_is_one_sentence_that_keeps_what_there_is(log, said, tmp_path, monkeypatch):
    def call(command, stderr, **_):
        stderr.write(log)
        return 1

    monkeypatch.setattr(setup_env, "LOG", tmp_path / "setup.log")
    monkeypatch.setattr(subprocess, "call", call)
    with pytest.raises(setup_env.SetupError, match=said) as caught:
        setup_env.pip("anything")
    assert "run the same command again" in str(caught.value) and "\n" not in str(caught.value)


def test_an_old_python_is_told_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(setup_env, "PYTHON", tmp_path / "python")
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    with pytest.raises(setup_env.SetupError, match="PYTHON=python3"):
        setup_env.make_venv()


def test_a_second_call_installs_nothing(tmp_path, monkeypatch):
    """Until the pins, the bounds or the folder change."""
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text("torch==0.0\n", encoding="utf-8")
    made = []
    monkeypatch.setattr(setup_env, "ROOT", tmp_path)
    monkeypatch.setattr(setup_env, "VENV", tmp_path)
    monkeypatch.setattr(setup_env, "LOG", tmp_path / "setup.log")
    monkeypatch.setattr(setup_env, "make_venv", lambda: made.append(1))
    monkeypatch.setattr(setup_env, "install_torch", lambda version: None)
    monkeypatch.setattr(setup_env, "pip", lambda *arguments: None)
    setup_env.set_up("test")
    setup_env.set_up("test")
    setup_env.set_up("")  # what the tests need holds what the app needs
    assert len(made) == 1
    (tmp_path / "constraints.txt").write_text("torch==0.1\n", encoding="utf-8")
    setup_env.set_up("")
    assert len(made) == 2
