"""Makes the environment in .venv where it is missing or out of date, then runs a command in it.

    python setup_env.py app            the gallery in the browser
    python setup_env.py test -k adam   the tests; what follows is handed to pytest

Standard library only. `make app` is `python setup_env.py app`; without make, call it like that (Windows too).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOG = VENV / "setup.log"
NO_NETWORK = re.compile(r"ConnectionError|ConnectTimeout|ReadTimeout|NameResolution|ProxyError|connection")
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"  # torch's own index of wheels without CUDA

# command -> (extra it needs, what it runs with .venv's Python, one after the other)
COMMANDS = {
    "setup": ("test", []),
    "app": ("", [["-m", "widgetlib", "app"]]),
    "lab": ("", [["-m", "widgetlib", "lab"]]),
    "notebooks": ("", [["-m", "widgetlib", "notebooks"]]),
    "test": ("test", [["-m", "pytest"]]),
    "lint": (
        "test",
        [
            ["-m", "ruff", "check", "."],
            ["-m", "ruff", "format", "--check", "."],
            ["-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-logo"],
        ],
    ),
    "bench": ("bench", [["-m", "benchmarks"]]),
}


class SetupError(Exception):
    """A set-up that cannot go on; the message is one sentence that says what to do."""


def main(arguments: list[str]) -> int:
    """Sets up, runs the command of that name and returns its exit status."""
    if not arguments or arguments[0] not in COMMANDS:
        print(__doc__ + "\nCommands: " + ", ".join(COMMANDS))
        return 2
    command, *rest = arguments
    extra, runs = COMMANDS[command]
    try:
        set_up(extra)
    except SetupError as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    for run in runs:
        status = call([*run, *(rest if run is runs[-1] else [])])
        if status:
            return status
    return 0


def call(run: list[str]) -> int:
    """Runs .venv's Python and returns its status; Ctrl-C and termination end the command, not this wait."""
    process = subprocess.Popen([PYTHON, *run], cwd=ROOT)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # it reached the command too, which ends its kernels and then itself
            continue


def set_up(extra: str) -> None:
    """Installs the project with `extra`, unless the same was installed before; writes a stamp at the end."""
    parts = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    digest = hashlib.sha256(b"\0".join([*parts, str(ROOT).encode()])).hexdigest()
    stamp = VENV / f"stamp-{extra or 'app'}"
    if stamp.exists() and stamp.read_text() == digest:
        return
    began = time.monotonic()
    make_venv()
    LOG.write_text("")
    install_torch(re.search(r"^torch==(\S+)", parts[1].decode(), re.MULTILINE)[1])
    say("installing the other packages (0.3 GB where none is cached; a minute or two)")
    target = f"{ROOT}[{extra}]" if extra else str(ROOT)
    pip("--quiet", "--constraint", ROOT / "constraints.txt", "--editable", target)
    for name in {"app", extra or "app"}:
        (VENV / f"stamp-{name}").write_text(digest)
    say(f"ready after {(time.monotonic() - began) / 60:.1f} minutes")


def make_venv() -> None:
    """Makes .venv, unless one with pip and a Python that is new enough is there."""
    probe = [PYTHON, "-c", "import pip, sys; sys.exit(sys.version_info < (3, 11))"]
    if PYTHON.exists() and subprocess.call(probe, stderr=subprocess.DEVNULL) == 0:
        return
    if sys.version_info < (3, 11):  # noqa: UP036 (this file is read by whatever `python3` is)
        raise SetupError(
            f"Python {sys.version.split()[0]} is too old, 3.11 or newer is needed; install one and say "
            "which it is: make app PYTHON=python3.12"
        )
    say(f"making the environment {VENV} with Python {sys.version.split()[0]}")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], text=True, capture_output=True)
    if made.returncode:
        raise SetupError(
            "this Python cannot make environments; install its venv module (Debian, Ubuntu: apt install "
            f"python3-venv) and run the same command again. It said: {(made.stdout + made.stderr).strip()}"
        )


def install_torch(version: str) -> None:
    """Installs the torch wheel that fits this machine: on Linux the default one brings 2.7 GB of CUDA."""
    probe = "from importlib.metadata import version; print(version('torch'))"
    found = subprocess.run([PYTHON, "-c", probe], text=True, capture_output=True).stdout.strip()
    if found.partition("+")[0] == version:
        say(f"torch {found} is installed")
        return
    torch = f"torch=={version}"
    try:  # a wheel that pip's own configuration offers beside the index (find-links)
        pip("--no-deps", "--no-index", "--quiet", torch)
        say(f"{torch}: the wheel that pip is offered here")
        return
    except SetupError:
        LOG.write_text("")
    if sys.platform != "linux":
        say(f"{torch}: the wheel for {sys.platform} (0.1 to 0.3 GB)")
    elif has_nvidia_card():
        say(f"{torch}: an NVIDIA card answers, so the wheel with CUDA (about 2.7 GB)")
    elif answers(CPU_WHEELS):
        say(f"{torch}: no NVIDIA card answers, so the wheel without CUDA (about 0.2 GB)")
        try:
            pip("--no-deps", "--index-url", CPU_WHEELS, torch)
            return
        except SetupError:
            say("that wheel could not be had; taking the default one (about 2.7 GB)")
    else:
        say(f"{torch}: the index of wheels without CUDA does not answer; the default one (about 2.7 GB)")
    pip(torch)


def has_nvidia_card() -> bool:
    """Whether the driver's own tool finds a card."""
    tool = shutil.which("nvidia-smi")
    if not tool:
        return False
    try:
        return subprocess.run([tool, "-L"], capture_output=True, timeout=20).stdout.startswith(b"GPU")
    except (OSError, subprocess.TimeoutExpired):
        return False


def answers(address: str) -> bool:
    """Whether `address` answers within five seconds."""
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except OSError:
        return False


def pip(*arguments: str | Path) -> None:
    """Runs `pip install`; its complaints go to the log, and to the person as one sentence."""
    with LOG.open("a") as log:
        status = subprocess.call([PYTHON, "-m", "pip", "install", "--retries", "2", *arguments], cwd=ROOT, stderr=log)
    if status:
        said = LOG.read_text(errors="replace")
        if re.search(r"ConnectionError|ConnectTimeout|ReadTimeout|NameResolution|ProxyError|connection", said):
            raise SetupError(
                "the package index does not answer; connect this computer to the network and run the same "
                f"command again, what is installed so far is kept (details in {LOG})."
            )
        errors = [line for line in said.splitlines() if line.startswith("ERROR")] or ["no reason given"]
        raise SetupError(
            f"pip stopped with '{errors[-1]}'; mend that and run the same command again, what is installed "
            f"so far is kept (details in {LOG})."
        )


def say(text: str) -> None:
    """Prints what the set-up does, at once."""
    print(f"set-up: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
