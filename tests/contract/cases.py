"""What the contract is tested on: methods at brisk rates, their float fields, problems of their worlds."""

from widgetlib import catalog
from widgetlib.core.method import fields_of, with_fields


def field(entry, name):
    """The field of a dotted name."""
    first, _, rest = name.partition(".")
    own = entry.field(first)
    return field(catalog.entry(own.default), rest) if rest else own


def floats(entry):
    """Dotted names of the float fields, a base's included."""
    found = []
    for own in entry.fields:
        if own.kind == "method":
            found += [f"{own.name}.{name}" for name in floats(catalog.entry(own.default))]
        elif own.kind == "float":
            found.append(own.name)
    return found


def around(entry, name, n):
    """`n` legal values around the default of a float field."""
    f = field(entry, name)
    share = [2 * i / (n - 1) - 1 for i in range(n)]
    values = [f.default * 2**x if f.range.log else f.default + 0.1 * x * (f.range.high - f.range.low) for x in share]
    return [min(max(v, f.range.low), f.range.high) for v in values]


def rate(entry):
    """Dotted name of the rate: `lr`, or that of a base; None where there is none."""
    return next((n for n in floats(entry) if n.rpartition(".")[2] == "lr"), None)


def brisk(entry):
    """The method as its defaults make it, with ten times the rate where that is legal: a run that moves."""
    method, name = catalog.method(entry.slug), rate(entry)
    faster = 0 if name is None else 10 * fields_of(method)[name]
    return with_fields(method, {name: faster}) if name and faster in field(entry, name).range else method


def fits(entry, slug):
    """Whether the problem of that slug offers what the method asks for."""
    return slug in [p.slug for p in catalog.fitting(entry)]


def toy(entry):
    """A small curved problem that the method fits."""
    if fits(entry, "quadratic"):
        return catalog.problem("quadratic", dimension=6, condition=30.0)
    return catalog.problem(catalog.fitting(entry)[0].slug)


def net(entry):
    """A problem with parts and samples, none of whose sizes is 7 or 1, where the method fits it."""
    if fits(entry, "digits_mlp"):
        return catalog.problem("digits_mlp", width=5, depth=1, subset=50)
    return catalog.problem(catalog.fitting(entry)[-1].slug)


def batches(problem):
    """Sizes of the mini-batches to try."""
    return (None, 6) if problem.samples else (None,)


def distance(a, b):
    """The largest difference relative to the largest entry."""
    return float((a - b).abs().max() / b.abs().max().clamp_min(1e-300))
