from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
import torch

from widgetlib import catalog
from widgetlib.core.method import Dense, Diagonal, Method, as_column, check_field, fields_of, same_kind, with_fields
from widgetlib.core.words import AtlasError, Range


@dataclass(frozen=True, eq=False)
class Odd(Method):
    """Has a field of every kind."""

    lr: Annotated[float, Range(0.1, 1.0)] = 0.5
    often: Annotated[int, Range(1, 9)] = 2
    form: Literal["a", "b"] = "a"
    on: bool = True
    batchable = False


def test_fields_by_dotted_name():
    method = catalog.method("sam", base="heavy_ball", rho=0.2)
    assert fields_of(method) == {"base": "heavy_ball", "base.lr": 1e-3, "base.beta": 0.9, "rho": 0.2}
    other = with_fields(method, {"rho": 0.3, "base.lr": 0.7})
    assert fields_of(other) == {"base": "heavy_ball", "base.lr": 0.7, "base.beta": 0.9, "rho": 0.3}
    assert fields_of(method)["base.lr"] == 1e-3, "the old one is untouched"
    both = with_fields(method, {"base": catalog.method("gd"), "base.lr": 0.7})
    assert fields_of(both) == {"base": "gd", "base.lr": 0.7, "rho": 0.2}


def test_slug_is_the_file():
    assert catalog.method("heavy_ball").slug == "heavy_ball"


def test_kinds_of_state():
    sam = catalog.method("sam")
    assert same_kind(sam, catalog.method("sam", rho=0.5)) and not same_kind(sam, catalog.method("gd"))
    assert not same_kind(sam, catalog.method("sam", base="adam"))


def test_a_wrapper_batches_only_if_its_base_does():
    assert catalog.method("sam").batches()
    assert not with_fields(catalog.method("sam"), {"base": Odd()}).batches()


def test_diagonal():
    p = Diagonal(torch.tensor([4.0, 9.0]))
    assert p.solve(torch.ones(2)).tolist() == pytest.approx([1 / 4, 1 / 9])
    assert p.inv_sqrt(torch.ones(2)).tolist() == pytest.approx([1 / 2, 1 / 3])


def test_dense():
    """Batched and single; where P is not positive `solve` is still P⁻¹, and `inv_sqrt` takes moduli."""
    generator = torch.Generator().manual_seed(0)
    q = torch.linalg.qr(torch.randn(2, 3, 3, generator=generator, dtype=torch.float64)).Q
    x = torch.randn(2, 3, generator=generator, dtype=torch.float64)
    for values in ([1.0, 4.0, 9.0], [-4.0, 1.0, 9.0]):
        values = torch.tensor(values, dtype=torch.float64)
        a = q * values @ q.mT
        p = Dense(a)
        assert torch.allclose(torch.einsum("bij,bj->bi", a, p.solve(x)), x)
        wanted = torch.einsum("bij,bj->bi", q / values.abs().sqrt() @ q.mT, x)
        assert torch.allclose(p.inv_sqrt(x), wanted) and torch.allclose(Dense(a[1]).inv_sqrt(x[1]), wanted[1])
        assert torch.allclose(p.eigen[0], values.expand(2, 3))
    assert not torch.isfinite(Dense(torch.zeros(2, 2)).solve(torch.ones(2))).any()


def test_as_column():
    like = torch.zeros(2, 3, 5)
    assert as_column(2.0, like).shape == (2, 3, 1)
    assert as_column(torch.ones(3, 1, dtype=torch.float64), like).dtype == torch.float32


@pytest.mark.parametrize(
    ("name", "value", "found"), [("lr", 1, 1.0), ("often", 3.0, 3), ("form", "b", "b"), ("on", False, False)]
)
def test_legal_values(name, value, found):
    assert check_field(Odd(), name, value) == found and type(check_field(Odd(), name, value)) is type(found)


@pytest.mark.parametrize(
    ("name", "value", "say"),
    [
        ("lr", 2.0, "from 0.1 to 1"),
        ("lr", float("nan"), "not a number"),
        ("lr", "fast", "not a number"),
        ("often", 2.5, "whole number"),
        ("form", "c", "'a', 'b'"),
        ("on", 1, "True or False"),
    ],
)
def test_illegal_values(name, value, say):
    with pytest.raises(AtlasError, match=say):
        check_field(Odd(), name, value)


def test_illegal_bases():
    with pytest.raises(AtlasError, match=r"give wl\.method\('adam'\)"):
        check_field(catalog.method("sam"), "base", "adam")
    with pytest.raises(AtlasError, match="outside the range of gd"):
        check_field(catalog.method("sam"), "base.lr", 1e9)
    assert check_field(catalog.method("sam"), "base", catalog.method("adam")).slug == "adam"


def test_the_bare_contract():
    method = Method()
    assert method.init(None, None) == () and method.preconditioner(None, None, ()) is None
    assert method.stability_limit(None, None, ()) is None
    with pytest.raises(NotImplementedError):
        method.step(None, None, ())
