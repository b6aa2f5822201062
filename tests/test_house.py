"""The house itself: floors, foreign imports, file lengths, no list of methods, nothing of one machine."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import widgetlib
from widgetlib import catalog

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "widgetlib"
FOLDERS = [ROOT / name for name in ("widgetlib", "tests", "benchmarks", "lessons")]
SOURCES = [*sorted(p for folder in FOLDERS for p in folder.rglob("*.py")), ROOT / "setup_env.py"]
LINT = "from importlinter.cli import lint_imports_command as lint; lint()"


def python(*arguments, cwd=ROOT, **environment):
    """A fresh interpreter; its output and status."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd, env=os.environ | environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def test_files_are_short():
    limit = {p: 120 if p.is_relative_to(PACKAGE / "methods") else 250 for p in SOURCES}
    limit |= {p: 500 for p in SOURCES if p.is_relative_to(ROOT / "lessons")}  # prose: an hour's reading
    lengths = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in SOURCES}
    assert {str(p.relative_to(ROOT)): n for p, n in lengths.items() if n > limit[p]} == {}


def test_code_is_checked_and_formatted():
    for command in (["check", "--output-format=concise", "."], ["format", "--check", "."]):
        done = python("-m", "ruff", *command)
        assert done.returncode == 0, done.stdout


def test_every_folder_of_sources_is_a_package():
    """The import linter looks into packages only: a folder without `__init__.py` would escape it."""
    folders = {p.parent for p in PACKAGE.rglob("*.py")}
    assert [str(f.relative_to(ROOT)) for f in sorted(folders) if not (f / "__init__.py").exists()] == []


def test_floors_hold():
    done = python("-c", LINT, "--no-logo", "--no-cache")
    assert done.returncode == 0, done.stdout


FIRST, SECOND = (p.relative_to(PACKAGE) for p in sorted((PACKAGE / "methods").glob("*/[!_]*.py"))[:2])
BREAKS = {
    "a lower floor imports a higher one": ("core/words.py", "import widgetlib.engine.run"),
    "two packages of one floor": ("figures/theme.py", "import widgetlib.measure"),
    "a method imports a method": (FIRST, f"import widgetlib.{'.'.join(SECOND.with_suffix('').parts)}"),
    "a method draws": (FIRST, "import plotly"),
    "the engine makes widgets": ("engine/run.py", "import ipywidgets"),
    "a figure imports torch": ("figures/theme.py", "import torch"),
    "a figure imports torch through core": ("figures/theme.py", "import widgetlib.core.algebra"),
    "a page imports torch": ("serve/__init__.py", "import torch"),
    "a floor imports the whole house": ("measure/sharpness.py", "import widgetlib"),
    "a new package without a floor": ("attic/__init__.py", ""),
}


@pytest.mark.parametrize("name", BREAKS)
def test_linter_catches_a_planted_break(name, tmp_path):
    path, line = BREAKS[name]
    shutil.copytree(PACKAGE, tmp_path / "widgetlib", ignore=shutil.ignore_patterns("__pycache__", "share"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = tmp_path / "widgetlib" / path
    planted.parent.mkdir(exist_ok=True)
    text = planted.read_text(encoding="utf-8") if planted.exists() else ""
    planted.write_text(f"{text}\n{line}\n", encoding="utf-8")
    done = python("-c", LINT, "--no-logo", "--no-cache", cwd=tmp_path)
    module = ".".join(("widgetlib", *Path(path).with_suffix("").parts)).removesuffix(".__init__")
    assert done.returncode == 1, f"planted '{line}' in {path}, and the linter said:\n{done.stdout}"
    # it failed for that reason: the last chain, or the missing layer, names the module
    assert f"{module} -> " in done.stdout or f"{module}\n" in done.stdout, done.stdout


LIGHT = [
    "widgetlib",
    "widgetlib.catalog",
    "widgetlib.core.table",
    "widgetlib.core.words",
    "widgetlib.__main__",
]
LIGHT += [f"widgetlib.figures.{p.stem}" for p in sorted((PACKAGE / "figures").glob("[!_]*.py"))]


@pytest.mark.parametrize("module", LIGHT)
def test_import_brings_no_torch(module):
    check = f"import sys, {module}; print([m for m in ('torch', 'plotly', 'ipywidgets') if m in sys.modules])"
    assert python("-c", check).stdout.strip() == "[]"


def test_listing_the_catalogue_brings_no_torch():
    check = "import sys, widgetlib as wl; n = len(wl.methods()['slug']); print(n > 0, 'torch' in sys.modules)"
    assert python("-c", check).stdout.strip() == "True False"


def test_every_foreign_import_is_declared():
    """What comes with another package today may not come tomorrow."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.match(r"[\w-]+", r)[0].replace("-", "_") for r in project["dependencies"]}
    declared = {{"scikit_learn": "sklearn"}.get(name, name) for name in declared}
    used = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                used |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                used.add(node.module.partition(".")[0])
    assert used - declared - set(sys.stdlib_module_names) - {"widgetlib"} == set()


def test_nothing_names_a_machine():
    """A path or host of somebody's machine works on that machine only."""
    machine = re.compile(r"(?<![\w.<])/(?:work|opt|root|home/\w+|Users/\w+)/|https?://(?:localhost:3|192\.168|10\.)")
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    paths = [ROOT / name for name in listed.stdout.split("\n") if name] if not listed.returncode else SOURCES
    texts = {p: p.read_bytes() for p in paths if p.is_file() and p != Path(__file__)}
    found = {
        str(p.relative_to(ROOT)): hit[0]
        for p, raw in texts.items()
        if b"\0" not in raw and (hit := machine.search(raw.decode("utf-8", "replace")))
    }
    assert found == {}


def lists_of_slugs(tree, slugs, kinds):
    """The literal lists, tuples, sets (and dicts) of a module that name two methods or more."""
    for node in ast.walk(tree):
        if isinstance(node, kinds):
            parts = node.keys if isinstance(node, ast.Dict) else node.elts
            words = {p.value for p in parts if isinstance(p, ast.Constant)} & slugs
            if len(words) > 1:
                yield node.lineno, words


def test_no_list_of_methods():
    """Methods are found by scanning folders: a list of them anywhere would be wrong with the next one."""
    slugs = {e.slug for e in catalog.methods()}
    found = {}
    for path in SOURCES:  # a lesson and a benchmark may compare the two that they are about
        if any(path.is_relative_to(f) for f in (PACKAGE / "methods", ROOT / "lessons", ROOT / "benchmarks")):
            continue
        kinds = (ast.List, ast.Tuple, ast.Set, *([ast.Dict] if path.is_relative_to(PACKAGE) else []))
        hits = list(lists_of_slugs(ast.parse(path.read_text(encoding="utf-8")), slugs, kinds))
        if hits:
            found[str(path.relative_to(ROOT))] = hits
    for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines():
        if len(named := set(re.findall(r"[`'\"](\w+)[`'\"]", line)) & slugs) > 2:
            found["README.md"] = named
    assert found == {}


def test_the_check_of_lists_sees_one():
    slugs = {e.slug for e in catalog.methods()}
    assert len(list(lists_of_slugs(ast.parse(f"menu = {sorted(slugs)}"), slugs, (ast.List,)))) == 1


def test_notebooks_are_what_the_lessons_build():
    done = python("-m", "widgetlib", "notebooks", "--check")
    assert done.returncode == 0, done.stdout


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changes = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    released = [change for change in changes if change != "Unreleased"]
    assert changes in (released, ["Unreleased", *released])
    assert project["version"] == released[0] == widgetlib.__version__


def test_constraints_pin_every_dependency():
    """One lock for every way of installing: a bound without a pin would drift."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.match(r"[\w-]+", r)[0] for r in [*project["dependencies"], *project["optional-dependencies"]["test"]]}
    pins = re.findall(r"^([\w-]+)==[\w.]+$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert wanted - set(pins) == set()
