"""The reference that a method declares, resolved and stepped on one of our problems."""

import importlib
import re

import torch

from widgetlib.core.method import fields_of


def resolve(name):
    """The class that a dotted name such as `torch.optim.SGD` means."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def arguments(method, mapping):
    """Keyword arguments of the reference: each field under its own name, or where `mapping` puts it.

    What stands in `mapping` and is no text is an argument of the reference alone.
    """
    found = {name: value for name, value in mapping.items() if not isinstance(value, str)}
    for name, value in fields_of(method).items():
        target, position = re.fullmatch(r"(\w+)(?:\[(\d+)\])?", mapping.get(name, name)).groups()
        if position is None:
            found[target] = value
        else:
            found.setdefault(target, {})[int(position)] = value
    return {n: tuple(v[i] for i in sorted(v)) if isinstance(v, dict) else v for n, v in found.items()}


def path(method, problem, start, steps, order=1):
    """Iterates `(steps + 1, d)` of the reference from `start`; `order` -1 sums over the samples backwards."""
    name, mapping = method.reference
    w = start.clone().requires_grad_()
    optimizer = resolve(name)([w], **arguments(method, mapping))
    data = problem.load()
    if problem.samples:
        data = type(data)(
            *(part.to(start.dtype)[::order].clone() if order > 0 else part.to(start.dtype).flip(0) for part in data)
        )
    iterates = [start]
    for _ in range(steps):
        optimizer.zero_grad()
        problem.loss(w, data).sum().backward()
        optimizer.step()
        iterates.append(w.detach().clone())
    return torch.stack(iterates)
