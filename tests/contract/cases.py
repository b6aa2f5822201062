"""What the contract is tested on: methods at brisk rates, their float fields, problems of their worlds."""

from stand_ins import SmallNet

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
    """The method as its defaults make it, with ten times the rate where that is legal: a run that moves.

    But not beyond 0.2 where the default is below: a run that explodes multiplies the rounding of its sums.
    """
    method, name = catalog.method(entry.slug), rate(entry)
    lr = 0 if name is None else fields_of(method)[name]
    faster = max(lr, min(10 * lr, 0.2))
    return with_fields(method, {name: faster}) if name and faster in field(entry, name).range else method


def fits(entry, slug):
    """Whether the problem of that slug offers what the method asks for."""
    return slug in [p.slug for p in catalog.fitting(entry)]


def toy(entry):
    """A small curved problem that the method fits."""
    if fits(entry, "quadratic"):
        return catalog.problem("quadratic", dimension=6, condition=30.0)
    return other(entry)


def net(entry):
    """A problem with matrices, vectors and samples, where the method fits one."""
    return SmallNet() if fits(entry, "digits_mlp") else other(entry)


def other(entry):
    """A problem of another world that the method fits, with three unknowns a player where one can say so."""
    first = catalog.fitting(entry)[0]
    return catalog.problem(first.slug, **({"dimension": 3} if any(f.name == "dimension" for f in first.fields) else {}))


def batches(problem):
    """Sizes of the mini-batches to try."""
    return (None, 6) if problem.samples else (None,)


def distance(a, b):
    """The largest difference relative to the largest entry."""
    return float((a - b).abs().max() / b.abs().max().clamp_min(1e-300))
