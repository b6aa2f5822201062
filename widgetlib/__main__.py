"""The command line: `python -m widgetlib app`, `lab`, `list`, `show`, `check`, `new`, `notebooks`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from widgetlib.core.words import AtlasError, nearest
from widgetlib.scaffold import FOLDERS, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from widgetlib.catalog import Entry, Field

PACKAGE = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: the words after the program's name; None takes those of this process.

    Returns:
        Exit status: 0, 2 where the input does not fit (one sentence says why), 130 after Ctrl-C.
    """
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except AtlasError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser("widgetlib", description="Optimizer Atlas: see what an optimizer does.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(run: Callable[[argparse.Namespace], None], name: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    for run, name, text in (
        (app, "app", "open the gallery and its dashboards in the browser"),
        (lab, "lab", "open JupyterLab at the notebooks"),
    ):
        command = add(run, name, text)
        command.add_argument("--port", type=int, help="default: a free one")
        command.add_argument("--no-browser", action="store_true", help="only print the link")
        command.add_argument("--notebooks", metavar="FOLDER", help="default: those of the project")
        if run is app:
            command.add_argument("--host", default="localhost", help="0.0.0.0 lets others in (default: %(default)s)")
            command.add_argument("--kernels", type=int, help="dashboards open at a time; default: what memory allows")
    command = add(list_entries, "list", "the methods, or the problems")
    command.add_argument("--family", help="only those of one family (for problems: of one world)")
    command.add_argument("--problems", action="store_true")
    command = add(show, "show", "one method, problem or study: idea, paper, fields, equation, law")
    command.add_argument("slug")
    command = add(new, "new", "write the skeleton of a method or a problem")
    command.add_argument("kind", choices=sorted(FOLDERS))
    command.add_argument("name", help="the slug, such as nesterov or heavy_ball")
    command.add_argument("--family", help="its folder: the family of a method, the world of a problem")
    command.add_argument("--into", metavar="FOLDER", help="a folder of your own instead of the package")
    command = add(record, "record", "record what the cards of methods open on")
    command.add_argument("slugs", nargs="*", help="methods; none for all")
    command = add(check, "check", "run the claims of methods, or studies, and print their verdicts")
    command.add_argument("slugs", nargs="*", help="methods or studies; none for every claim")
    command.add_argument("--keep", action="store_true", help="keep the verdicts in widgetlib/records")
    command = add(notebooks, "notebooks", "build notebooks/ from lessons/")
    what = command.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="write nothing; fail where they differ")
    what.add_argument("--solutions", action="store_true", help="build the teacher's editions into build/solutions/")
    return top


def app(options: argparse.Namespace) -> None:
    """Serves the gallery until Ctrl-C."""
    from widgetlib import serve

    if options.kernels is not None and options.kernels < 1:
        raise AtlasError(f"--kernels {options.kernels} would open no dashboard; give 1 or more.")
    serve.app(_port(options), not options.no_browser, options.notebooks, host=options.host, kernels=options.kernels)


def lab(options: argparse.Namespace) -> None:
    """Serves JupyterLab until Ctrl-C."""
    from widgetlib import serve

    serve.lab(_port(options), not options.no_browser, options.notebooks)


def list_entries(options: argparse.Namespace) -> None:
    """Prints slug, title, world and year of what the catalogue holds, family by family."""
    from widgetlib import catalog

    found = catalog.problems() if options.problems else catalog.methods()
    families = sorted({e.family for e in found})
    if options.family is not None and options.family not in families:
        raise AtlasError(f"there is no family {options.family!r}; {nearest(options.family, families)}")
    for family in families if options.family is None else [options.family]:
        print(family)
        for e in found:
            if e.family == family:
                print(f"  {e.slug:<20} {e.title:<32} {e.world:<12} {e.paper.get('year', '')}".rstrip())


def show(options: argparse.Namespace) -> None:
    """Prints what the file of one entry says."""
    from widgetlib import catalog

    everything = [*catalog.methods(), *catalog.problems(), *catalog.studies()]
    found = [e for e in everything if e.slug == options.slug]
    if not found:
        hint = nearest(options.slug, [e.slug for e in everything])
        raise AtlasError(f"the catalogue holds no {options.slug!r}; {hint}")
    print("\n\n".join(map(_describe, found)))


def _describe(entry: Entry) -> str:
    """An entry as text."""
    paper = ", ".join(str(v) for v in (entry.paper.get("title"), entry.paper.get("year")) if v)
    law = "none stated"
    if "stability_limit" in entry.declared.get("defines", []):
        law = f"bounds the {entry.declared.get('gauge', 'sharpness').replace('_', ' ')}"
    rows = [
        ("idea", entry.idea),
        ("paper", paper),
        ("law", law if entry.kind == "method" else ""),
        ("file", str(entry.path)),
    ]
    place = ", ".join(dict.fromkeys((entry.family, entry.world)))  # a problem's family is its world
    lines = [f"{entry.title}: {entry.kind} {entry.slug} ({place})"]
    lines += [f"{name:<8}{text}" for name, text in rows if text]
    if entry.fields:
        lines += [
            "",
            "fields",
            *(f"  {f.name:<14}{_default(f.default):<12}{_legal(f)}" for f in entry.fields),
        ]
    return "\n".join([*lines, "", entry.doc])


def _default(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _legal(field: Field) -> str:
    """What a field takes, in words."""
    if field.range:
        return f"{field.range.low:g} to {field.range.high:g}" + (" (by factors)" if field.range.log else "")
    return {
        "choice": " | ".join(map(str, field.choices)),
        "method": "the slug of a method",
        "bool": "True | False",
    }.get(field.kind, field.kind)


def new(options: argparse.Namespace) -> None:
    """Writes a skeleton under a new name."""
    path = write(options.kind, options.name, options.family, options.into)
    print(f"wrote {path}")
    if options.into is not None:
        root = Path(options.into).resolve()
        print(f"to see it in the gallery and in the tests, set the environment variable WIDGETLIB_PATH={root}")


def check(options: argparse.Namespace) -> None:
    """Runs the claims of methods and the studies named, and prints each verdict as it came out."""
    import torch

    from widgetlib.studies import runner, verdicts

    torch.set_num_threads(1)  # nets this small are several times slower with more
    for slug, claim, study in runner.studies_of(options.slugs):
        print(f"{slug}: {claim}", flush=True)
        verdict = study.run()[1]
        word = "holds" if verdict.holds else "does not hold here"
        print(f"  {word} ({verdict.bound}): {verdict.sentence}", flush=True)
        if options.keep:
            verdicts.keep(slug, claim, verdict)


def record(options: argparse.Namespace) -> None:
    """Runs what each card opens on, and keeps it."""
    from widgetlib import catalog
    from widgetlib.dashboards.recording import record as make

    for slug in options.slugs or [e.slug for e in catalog.methods()]:
        files = make(slug)
        print(f"{slug}: {len(files)} files, {sum(f.stat().st_size for f in files) / 1000:.0f} kB", flush=True)


def notebooks(options: argparse.Namespace) -> None:
    """Builds the notebooks, or says which of them are stale."""
    from widgetlib.course import build

    sources, built = PACKAGE.parent / "lessons", PACKAGE.parent / "notebooks"
    if not sources.is_dir():
        raise AtlasError("there is no folder lessons/ beside the package; go to a clone of the project.")
    if options.solutions:
        built = PACKAGE.parent / "build" / "solutions"
    if not options.check:
        print(*(f"wrote {path}" for path in build.build(sources, built, options.solutions)), sep="\n")
    elif stale := build.stale(sources, built):
        raise AtlasError(f"{', '.join(stale)} in {built} is not what lessons/ builds; run: make notebooks")


def _port(options: argparse.Namespace) -> int | None:
    if options.port is not None and not 1 <= options.port <= 65535:
        raise AtlasError(f"--port {options.port} is no port; give a number from 1 to 65535.")
    return options.port


if __name__ == "__main__":
    sys.exit(main())
