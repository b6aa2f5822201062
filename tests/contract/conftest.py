"""One case for each method of the catalogue, in every test that asks for an `entry`."""

import pytest
from cases import fits, floats

from widgetlib import catalog

SELECT = {  # checks that concern only some methods
    "reference": lambda e: "reference" in e.declared and fits(e, "digits_mlp"),
    "law": lambda e: "stability_limit" in e.declared["defines"] and fits(e, "quadratic"),
    "preconditioner": lambda e: "preconditioner" in e.declared["defines"],
}


def pytest_generate_tests(metafunc):
    """Cases for each method, and for each of its float fields or invariances where a test asks for them.

    A method whose `known_failures` names a check (the name of a test without `test_`) is expected to fail it,
    and fails the suite when it starts to pass.
    """
    if "entry" not in metafunc.fixturenames:
        return
    check = metafunc.function.__name__.removeprefix("test_")
    entries = [e for e in catalog.methods() if SELECT.get(check, lambda e: True)(e)]
    parts = {"name": floats, "invariance": lambda e: e.declared.get("invariances", ())}
    extra = [n for n in parts if n in metafunc.fixturenames]
    cases = []
    for e in entries:
        why = e.declared.get("known_failures", {}).get(check)
        marks = [pytest.mark.xfail(reason=why, strict=True)] if why else []
        if not extra:
            cases.append(pytest.param(e, id=e.slug, marks=marks))
        cases += [pytest.param(e, x, id=f"{e.slug}-{x}", marks=marks) for n in extra for x in parts[n](e)]
    metafunc.parametrize(["entry", *extra], cases)
