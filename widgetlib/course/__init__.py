"""Lessons: `from widgetlib import course` gives what a lesson's notebook calls, loaded when it is first used."""

import importlib
from typing import Any

_HOMES = {
    "Lesson": "lesson", "setting": "lesson", "preset": "look", "Choice": "question", "Number": "question",
    "Toy": "toy", "Slider": "toy",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"widgetlib.course.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'widgetlib.course' has no attribute {name!r}")
