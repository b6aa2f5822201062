"""What can be the height of a slice, at many points of a line, curve or plane at once."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from widgetlib.core.algebra import norm
from widgetlib.core.oracle import Oracle
from widgetlib.core.trace import Trace
from widgetlib.core.words import AtlasError, nearest
from widgetlib.measure.eigen import top_eigenpairs

# Numbers in the widest activation of a batch. On a CPU: what stays in the cache, and what the allocator keeps. Larger
# blocks go back to the system after each use, and to fault their pages in again takes longer than to compute them.
BATCH = {"cpu": 2**17, "cuda": 2**26}
DENSE = 40  # unknowns up to which a Hessian is diagonalised whole
TOL = 1e-2  # relative residual of a sharpness; the eigenvalue is off by its square
IN_PLACE = 32  # times as many where the problem itself walks through the cache
ALIVE = 4  # tensors of that size that one evaluation holds at once
SYMBOLS = {"accuracy": "accuracy", "gradient_norm": "‖∇L‖", "sharpness": "λ₁"}  # the loss has its world's


class Heights:
    """A height at the points `origin + c @ axes`.

    Args:
        trace: a run on the problem whose height it is.
        origin: `(d,)`.
        axes: `(k, d)`.
        name: loss (the merit of the problem's world), accuracy, gradient_norm or sharpness.
        memory: bytes that the activations of one batch may take; None for as many as are fast.

    Raises:
        AtlasError: the problem has no such height, or one point takes more than `memory`.
    """

    def __init__(self, trace: Trace, origin: Tensor, axes: Tensor, name: str = "loss", memory: int | None = None):
        problem, self.origin, self.axes = trace.problem, origin, axes
        oracle = trace.at(int(trace.steps[0])).oracle().uncounted()
        self.symbol = SYMBOLS.get(name, oracle.merit.symbol)
        at = _function(name, oracle)
        self._at = lambda c: at(origin + c @ axes)
        widest = _widest(oracle)
        batch = BATCH.get(origin.device.type, BATCH["cuda"])
        if name == "loss" and hasattr(problem, "loss_on"):
            self._at, batch = problem.loss_on(origin, axes, oracle.data), IN_PLACE * batch
        if memory is not None:
            need = ALIVE * widest * origin.element_size()
            if memory < need:
                raise AtlasError(
                    f"memory is {memory} bytes, but one point of {problem.slug} takes about {need}; allow that."
                )
            batch = min(batch, memory // need * widest)
        self.at_once = max(1, batch // widest)

    @torch.no_grad()
    def __call__(self, c: Tensor) -> Tensor:
        """The heights `(m,)` at coefficients c `(m, k)`, float64 on the CPU."""
        parts = c.to(self.origin).split(self.at_once)
        return torch.cat([self._at(part).reshape(-1).double() for part in parts]).cpu()


def _function(name: str, oracle: Oracle) -> Callable[[Tensor], Tensor]:
    """The height at points `(m, d)`, `(m, 1)`."""
    problem = oracle.problem
    if name == "loss":
        return oracle.merit_at
    if name not in SYMBOLS:
        raise AtlasError(f"there is no height {name!r}; {nearest(name, ['loss', *SYMBOLS])}")
    if name == "accuracy":
        if not hasattr(problem, "accuracy"):
            raise AtlasError(f"{problem.slug} has no classes and so no accuracy; choose another height.")
        return lambda w: problem.accuracy(w, oracle.data)
    if not hasattr(oracle, "hvp"):
        raise AtlasError(f"{problem.slug} has no one loss to differentiate, so it has no {name}; choose height='loss'.")
    return (lambda w: norm(oracle.grad(w))) if name == "gradient_norm" else _Sharpest(oracle)


class _Sharpest:
    """The largest eigenvalue of the Hessian; of many unknowns point by point, each from its neighbour's vectors."""

    def __init__(self, oracle: Oracle):
        self.oracle, self.warm = oracle, None

    def __call__(self, w: Tensor) -> Tensor:
        if w.shape[-1] <= DENSE:
            hessian = self.oracle.hessian(w)
            sound = torch.isfinite(hessian).all(-1, keepdim=True).all(-2, keepdim=True)
            values = torch.linalg.eigvalsh(torch.where(sound, hessian, 0))[..., -1:]
            return torch.where(sound.squeeze(-1), values, torch.nan)
        return torch.stack([self._one(point) for point in w]).unsqueeze(-1)

    def _one(self, w: Tensor) -> Tensor:
        if not torch.isfinite(self.oracle.grad(w)).all():
            return w.new_tensor(torch.nan)
        if self.warm is None:
            random = torch.Generator().manual_seed(0)
            self.warm = torch.randn(3, w.shape[-1], generator=random, dtype=w.dtype).to(w.device)
        pairs = top_eigenpairs(self.oracle.curvature(w), self.warm, 1, TOL)
        self.warm = pairs.vectors
        return pairs.values[0].to(w)


def _widest(oracle: Oracle) -> int:
    """Numbers in the widest activation of one point, from the layout: a kernel makes one for each place of a sample."""
    layout, samples = oracle.layout, oracle.problem.samples
    if not samples:
        return layout.size
    places = oracle.data[0][0].numel()
    outputs = [shape[0] * (places if len(shape) > 2 else 1) for shape in layout.parts.values() if len(shape) > 1]
    return max(layout.size, samples * max(outputs, default=1))
