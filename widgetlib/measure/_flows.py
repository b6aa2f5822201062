"""Flows beside a run of gradient descent: the gradient flow, and the central flow that the run follows at the edge."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from widgetlib.core.oracle import Minimize
from widgetlib.measure._cone import oscillation

NEAR = 0.96  # of the limit: directions above are tracked, since the oscillation may soon reach them
REFRESH = 4  # steps of the flow between two looks at the third derivatives; between them they turn with the subspace
WARM = 12  # power steps from random vectors before the flow begins


class Look(NamedTuple):
    """What the central flow sees where it stands.

    Attributes:
        loss: the loss of the flow itself.
        predicted: the loss that the run shows on average: that of the flow and of the oscillation around it.
        eigenvalues: tracked Hessian eigenvalues, descending.
        covariance: of the oscillation, in the directions of the leading eigenvalues.
    """

    loss: float
    predicted: float
    eigenvalues: np.ndarray
    covariance: np.ndarray


class CentralFlow:
    r"""The time average of gradient descent at the edge of stability (Cohen, Damian et al. 2025).

    $$\dot w = -\eta\,[\nabla L(w) + \tfrac12 \nabla \langle H(w), \Sigma\rangle]$$

    with the smallest covariance $\Sigma \succeq 0$ of the oscillation that keeps all eigenvalues at most $2/\eta$. The
    third derivatives along pairs of tracked directions are second differences of the gradient. A step is as long as
    one of gradient descent; along the tracked directions, where that is unstable, it is the exponential Euler step.

    Args:
        oracle: the problem's, of which nothing need be counted.
        w: `(d,)`, where the flow begins.
        eta: the rate of the run.
    """

    def __init__(self, oracle: Minimize, w: Tensor, eta: float):
        self.oracle, self.w, self.eta, self.k = oracle, w, eta, 0
        draw = torch.randn(1, len(w), generator=torch.Generator().manual_seed(0)).to(w)
        self._basis = draw / draw.norm()  # rows; the last one is a guard
        for _ in range(WARM):
            self._basis = _orthonormal(self._products(self._basis))
        self._covariance = np.zeros((0, 0))
        self._third: tuple[Tensor, Tensor] | None = None  # directions, and third derivatives along their pairs

    def look(self) -> Look:
        """Where the flow stands; `step` goes on from here."""
        limit = 2 / self.eta
        values, directions, images = self._ritz()
        count = int((values > NEAR * limit).sum())
        gradient = self.oracle.grad(self.w)
        loss = float(self.oracle.merit_at(self.w))
        force = torch.zeros_like(self.w)
        covariance = np.zeros((count, count))
        if count:
            third = self._thirds(directions[:count], gradient)
            flat = third.flatten(0, 1)
            brake = (flat @ flat.mT).double().numpy(force=True).reshape((count,) * 4)
            drive = -(flat @ gradient).double().numpy(force=True).reshape(count, count)
            drive += np.diag(values[:count] - limit) / self.eta  # leads back what numerical drift has led away
            kept = min(count, len(self._covariance))
            covariance[:kept, :kept] = self._covariance[:kept, :kept]
            covariance = oscillation((drive + drive.T) / 2, brake, covariance)
            force = 0.5 * torch.from_numpy(covariance.ravel()).to(flat) @ flat
        else:
            self._third = None
        self._covariance = covariance
        self._ahead = values, directions, images, gradient + force
        return Look(loss, loss + float(np.trace(covariance)) / self.eta, values, covariance)

    def step(self) -> None:
        """One step of gradient descent further."""
        values, directions, images, slope = self._ahead
        along = directions @ slope
        reach = self.eta * np.abs(values).clip(1e-9)
        eased = torch.from_numpy(-np.expm1(-reach) / reach).to(slope)
        self.w = self.w - self.eta * (slope + ((eased - 1) * along) @ directions)
        self._basis = _orthonormal(images)  # a power step for free
        self.k += 1

    def _ritz(self) -> tuple[np.ndarray, Tensor, Tensor]:
        """Eigenvalues, directions and their images in the tracked subspace, which grows until its guard is inside."""
        while True:
            images = self._products(self._basis)
            block = (self._basis.double() @ images.double().mT).numpy(force=True)
            values, mix = np.linalg.eigh((block + block.T) / 2)
            turn = torch.from_numpy(mix[:, ::-1].T.copy()).to(images)
            values, directions, images = values[::-1].copy(), turn @ self._basis, turn @ images
            if values[-1] <= NEAR * 2 / self.eta or len(values) == len(self.w):
                used = int((values > NEAR * 2 / self.eta).sum()) + 1
                return values[:used], directions[:used], images[:used]
            draw = torch.randn(1, len(self.w), generator=torch.Generator().manual_seed(len(values))).to(self.w)
            self._basis = _orthonormal(torch.cat([directions, draw]))
            for _ in range(WARM):
                self._basis = _orthonormal(self._products(self._basis))

    def _products(self, rows: Tensor) -> Tensor:
        product = self.oracle.curvature(self.w)
        return torch.stack([product(row) for row in rows])

    def _thirds(self, directions: Tensor, gradient: Tensor) -> Tensor:
        """The vectors with entries of the third derivative along each pair of directions, `(k, k, d)`."""
        if self._third is not None and self.k % REFRESH and len(self._third[0]) == len(directions):
            old, third = self._third
            turn = directions @ old.mT
            return torch.einsum("ai,bj,ijd->abd", turn, turn, third)
        k = len(directions)
        first, second = np.triu_indices(k)
        pairs = torch.where(torch.from_numpy(first == second)[:, None].to(directions.device), directions[first],
                            directions[first] + directions[second])  # fmt: skip
        size = torch.finfo(directions.dtype).eps ** 0.25
        ahead, behind = self.oracle.grad(torch.cat([self.w + size * pairs, self.w - size * pairs])).chunk(2)
        second_difference = (ahead - 2 * gradient + behind) / size**2
        third = directions.new_empty(k, k, directions.shape[1])
        third[first, second] = third[second, first] = second_difference
        own = third[range(k), range(k)].clone()
        mixed = (third - own[:, None] - own[None]) / 2  # polarisation
        mixed[range(k), range(k)] = own
        self._third = directions, mixed
        return mixed


class GradientFlow:
    r"""$\dot w = -\eta \nabla L(w)$ by the classical Runge-Kutta method, its steps short enough for the sharpness.

    Args:
        oracle: the problem's, of which nothing need be counted.
        w: `(d,)`, where the flow begins.
        eta: the rate of the run; one unit of time is one of its steps.
    """

    def __init__(self, oracle: Minimize, w: Tensor, eta: float):
        self.oracle, self.w, self.eta = oracle, w, eta
        draw = torch.randn(len(w), generator=torch.Generator().manual_seed(0)).to(w)
        self._top = draw / draw.norm()

    def step(self) -> None:
        """As far as gradient descent goes in one step."""
        product = self.oracle.curvature(self.w)
        for _ in range(2):  # warm: the last step's direction is nearly this one's
            image = product(self._top)
            sharpness = float(image.norm())
            self._top = image / max(sharpness, 1e-30)
        parts = max(1, int(np.ceil(self.eta * sharpness / 2)))  # the method is stable up to 2.78
        reach = self.eta / parts
        slope = self.oracle.grad
        for _ in range(parts):
            a = slope(self.w)
            b = slope(self.w - reach / 2 * a)
            c = slope(self.w - reach / 2 * b)
            d = slope(self.w - reach * c)
            self.w = self.w - reach / 6 * (a + 2 * b + 2 * c + d)


def _orthonormal(rows: Tensor) -> Tensor:
    return torch.linalg.qr(rows.mT)[0].mT
