"""Method: the contract that every optimizer keeps, and the preconditioners that one may declare."""

from __future__ import annotations

import dataclasses
import typing
from functools import cache, cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor

from widgetlib.core.algebra import symmetric_power
from widgetlib.core.entry import Field
from widgetlib.core.layout import Layout
from widgetlib.core.words import AtlasError, Claim, Range


@dataclasses.dataclass(frozen=True, eq=False)
class Diagonal:
    """The preconditioner diag(p), `p` of shape `(..., d)`, positive."""

    p: Tensor

    def solve(self, x: Tensor) -> Tensor:
        """P⁻¹ x."""
        return x / self.p

    def inv_sqrt(self, x: Tensor) -> Tensor:
        """P^(-1/2) x: turns H into the symmetric matrix that has the spectrum of P⁻¹ H."""
        return x / self.p.sqrt()


@dataclasses.dataclass(frozen=True, eq=False)
class Dense:
    """The preconditioner A, symmetric, of shape `(..., d, d)`; `inv_sqrt` takes the moduli of its eigenvalues."""

    a: Tensor

    @cached_property
    def eigen(self) -> tuple[Tensor, Tensor]:
        """Eigenvalues `(..., d)`, ascending, and eigenvectors, the columns of `(..., d, d)`."""
        return torch.linalg.eigh(self.a)

    def solve(self, x: Tensor) -> Tensor:
        """P⁻¹ x; not finite where P is singular, as any step that is too long."""
        return torch.linalg.solve_ex(self.a, x.unsqueeze(-1)).result.squeeze(-1)

    def inv_sqrt(self, x: Tensor) -> Tensor:
        """|P|^(-1/2) x, which is P^(-1/2) x where P is positive."""
        values, vectors = self.eigen
        mix = vectors.mT @ x.unsqueeze(-1) / values.abs().sqrt().unsqueeze(-1)
        return (vectors @ mix).squeeze(-1)


@dataclasses.dataclass(frozen=True, eq=False)
class Kronecker:
    """The preconditioner of which each matrix X of the unknowns has P⁻¹X = A X B, and everything else P⁻¹x = A x.

    Args:
        layout: the parts of the unknowns.
        inverse: a tuple for each part, (A, B) or (A,), symmetric and positive definite, `(..., n, n)`.
    """

    layout: Layout
    inverse: tuple[tuple[Tensor, ...], ...]

    def solve(self, x: Tensor) -> Tensor:
        """P⁻¹ x."""
        return self._apply(self.inverse, x)

    def inv_sqrt(self, x: Tensor) -> Tensor:
        """P^(-1/2) x, `(..., d)`."""
        return self._apply(self._roots, x)

    @cached_property
    def _roots(self) -> tuple[tuple[Tensor, ...], ...]:
        return tuple(tuple(symmetric_power(a, 0.5) for a in factors) for factors in self.inverse)

    def _apply(self, factors: tuple[tuple[Tensor, ...], ...], x: Tensor) -> Tensor:
        part = iter(factors)  # the layout hands its parts over in order

        def matrix(piece: Tensor) -> Tensor:
            left, right = next(part)
            return left @ piece @ right

        return self.layout.map(matrix, x, vector=lambda piece: (next(part)[0] @ piece.unsqueeze(-1)).squeeze(-1))


class Method:
    """A discrete dynamical system: a frozen dataclass (`eq=False`) whose fields are its hyperparameters.

    `step` is pure and out of place; it may be asked about any `w` of shape `(..., d)` and never looks at
    the leading axes. The world of a method is the oracle that `step` annotates.
    """

    title: ClassVar[str] = ""
    family: ClassVar[str] = ""
    idea: ClassVar[str] = ""
    paper: ClassVar[dict[str, Any]] = {}
    gauge: ClassVar[str] = "sharpness"
    reference: ClassVar[tuple[str, dict[str, Any]] | None] = None
    invariances: ClassVar[tuple[str, ...]] = ()
    claim: ClassVar[Claim | None] = None
    known_failures: ClassVar[dict[str, str]] = {}
    batchable: ClassVar[bool] = True
    central: ClassVar[bool] = False  # whether its time average is the central flow: steps -lr ∇L and nothing else
    no_law: ClassVar[str] = ""  # where no stability limit exists: why, and what is shown instead

    @property
    def slug(self) -> str:
        """The name of the file."""
        return type(self).__module__.rpartition(".")[2]

    def batches(self) -> bool:
        """Whether members can share one step: this method and every base can."""
        return self.batchable and all(base.batches() for base in bases(self).values())

    @classmethod
    def asks(cls) -> str:
        """Name of the oracle class that `step` annotates: the method's world."""
        wanted = cls.step.__annotations__.get("oracle", "Oracle")
        return wanted if isinstance(wanted, str) else getattr(wanted, "__name__", "Oracle")

    def init(self, oracle: Any, w: Tensor) -> Any:
        """The state before the first step: a nest of NamedTuples of tensors, `()` where there is none."""
        return ()

    def step(self, oracle: Any, w: Tensor, s: Any) -> tuple[Tensor, Any, dict[str, Tensor]]:
        """One step: the next `w`, the next state, and scalars `(..., 1)` worth recording."""
        raise NotImplementedError

    def preconditioner(self, oracle: Any, w: Tensor, s: Any) -> Diagonal | Dense | None:
        """P such that the step is lr P⁻¹ g, with the state after the step; None for the identity."""
        return None

    def stability_limit(self, oracle: Any, w: Tensor, s: Any) -> Tensor | float | None:
        """The largest stable value of `gauge`, `(..., 1)`, with the state after the step; None without a law."""
        return None


def bases(method: Method) -> dict[str, Method]:
    """The methods that a wrapper holds, by the name of their field."""
    values = {field.name: getattr(method, field.name) for field in dataclasses.fields(method)}
    return {name: value for name, value in values.items() if isinstance(value, Method)}


def same_kind(a: Method, b: Method) -> bool:
    """Whether the state of one is a state of the other: the same class, around bases of the same kind."""
    return type(a) is type(b) and all(same_kind(base, bases(b)[name]) for name, base in bases(a).items())


def fields_of(thing: Any) -> dict[str, Any]:
    """The fields of a method or problem by dotted name, those of a base included: `{"rho": .., "base.lr": ..}`."""
    found = {}
    for field in dataclasses.fields(thing):
        value = getattr(thing, field.name)
        if isinstance(value, Method):
            found[field.name] = value.slug
            found |= {f"{field.name}.{name}": inner for name, inner in fields_of(value).items()}
        else:
            found[field.name] = value
    return found


def with_fields(thing: Any, values: dict[str, Any]) -> Any:
    """A copy with other values by dotted name; no validation (the catalogue validates at construction)."""
    own = {name: value for name, value in values.items() if "." not in name}
    for name in {name.partition(".")[0] for name in values if "." in name}:
        inner = {n.partition(".")[2]: v for n, v in values.items() if n.startswith(name + ".")}
        own[name] = with_fields(own.get(name, getattr(thing, name)), inner)
    return dataclasses.replace(thing, **own)


def check_field(thing: Any, name: str, value: Any) -> Any:
    """The value as the field of that dotted name takes it, by the field's annotation.

    Raises:
        AtlasError: it is out of range or of the wrong kind.
    """
    name, _, rest = name.partition(".")
    if rest:
        return check_field(getattr(thing, name), rest, value)
    hint, field = _declared(type(thing), name)
    if hint is Method:
        if not isinstance(value, Method):
            raise AtlasError(f"{name} = {value!r} is no method; give wl.method({str(value)!r}).")
        return value
    return field.check(value, thing.slug)


@cache
def _declared(kind: type, name: str) -> tuple[Any, Field]:
    """What a class declares of one of its fields: 0.3 ms, and a sweep asks for each of its values."""
    hint, marks = typing.get_type_hints(kind, include_extras=True)[name], ()
    if typing.get_origin(hint) is typing.Annotated:
        hint, *marks = typing.get_args(hint)
    choices = typing.get_args(hint)
    legal = next((m for m in marks if isinstance(m, Range)), None)
    return hint, Field(name, "choice" if choices else hint.__name__, None, legal, choices)


def as_column(x: Tensor | float, like: Tensor) -> Tensor:
    """A number or `(..., 1)` tensor as a tensor `(..., 1)` with the leading axes, dtype and device of `like`."""
    return torch.as_tensor(x, dtype=like.dtype, device=like.device).expand(*like.shape[:-1], 1)
