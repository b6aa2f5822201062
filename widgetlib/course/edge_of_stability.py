"""Checks of the exercises of the lesson on the edge of stability."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from widgetlib import catalog
from widgetlib.course.check import Wrong, near, numbers

Function = Callable[..., Any]


def first_edge(draw: random.Random, gd_step: Function, diverges_from: Function) -> str:
    """One step of gradient descent, and the rate from which it diverges on a parabola."""
    for _ in range(3):
        a, b, w, lr = (draw.uniform(0.2, 2.0) for _ in range(4))

        def slope(x: float, a: float = a, b: float = b) -> float:
            return a * x**3 + b

        g, found = slope(w), float(numbers(gd_step, (w, slope, lr)))
        if near(found, w + lr * g, 1e-6):
            raise Wrong("gd_step walks uphill: look at the sign.")
        if near(found, w - g, 1e-6):
            raise Wrong("gd_step takes the whole gradient: where does the rate come in?")
        if near(found, -lr * g, 1e-6):
            raise Wrong("gd_step returns the step; it should return the new point.")
        if abs(found - (w - lr * g)) > 1e-6 * (abs(w) + abs(lr * g)):
            raise Wrong("gd_step is not one step of gradient descent yet: try it by hand with grad = lambda w: 3 * w.")
    ratios = []
    for _ in range(3):
        curvature = draw.uniform(0.5, 40.0)
        ratios.append(curvature * float(numbers(diverges_from, (curvature,))))
        if near(ratios[-1], 1, 0.03):
            raise Wrong("gd_step is right. At the rate that diverges_from returns one step lands in the minimum: "
                        "can it be larger still?")  # fmt: skip
    if max(ratios) > 1.2 * min(ratios):
        raise Wrong("gd_step is right. diverges_from does not scale with the curvature as it should: "
                    "does it search a range that fits every curvature from 0.5 to 40?")  # fmt: skip
    if not all(near(ratio, 2, 0.02) for ratio in ratios):
        side = "small: |w| still shrinks there" if ratios[0] < 2 else "large: |w| grows well below it"
        raise Wrong(f"gd_step is right. The rate that diverges_from returns is too {side}.")
    return (
        "Right: one step, and an edge that depends on the curvature alone. Multiply the two, and remember the number."
    )


def own_edge(draw: random.Random, one_step_map: Function, heavy_ball_edge: Function) -> str:
    """The matrix of a heavy-ball step on a parabola, and the curvature at which it leaves the unit circle."""
    for _ in range(3):
        lr, beta, curvature = draw.uniform(0.05, 0.5), draw.uniform(0.3, 0.95), draw.uniform(0.5, 4.0)
        matrix = numbers(one_step_map, (lr, beta, curvature), (2, 2))
        trace, det = float(np.trace(matrix)), float(np.linalg.det(matrix))  # the same in every order of (w, m)
        if near(trace, 1 + beta, 1e-6) and near(det, beta + lr * curvature, 1e-6):
            raise Wrong(
                "one_step_map moves w by the old velocity; here m is renewed first, and w moves by the new one."
            )
        if not near(det, beta, 1e-6):
            raise Wrong("one_step_map has not the determinant it should have. Write m_new and w_new as sums of "
                        "multiples of w and m, w_new without m_new, and read the four factors off.")  # fmt: skip
        if abs(trace - (1 + beta - lr * curvature)) > 1e-6 * (1 + lr * curvature):
            raise Wrong("one_step_map: the determinant is right, the diagonal is not. Apply it to (1, 0) by hand.")
    for _ in range(3):
        lr, beta = draw.uniform(0.05, 0.5), draw.uniform(0.3, 0.95)
        found = float(numbers(heavy_ball_edge, (lr, beta)))
        if near(found * lr, 2, 0.01):
            raise Wrong("The map is right. heavy_ball_edge returns the edge of plain gradient descent: the momentum "
                        "does not enter.")  # fmt: skip
        if near(found * lr, 2 * (1 - beta), 0.01):
            raise Wrong("The map is right. heavy_ball_edge puts lr/(1 - beta) in place of lr: right for slow drift, "
                        "where the velocity adds up; at the edge it changes sign at each step.")  # fmt: skip
        if near(found * lr, 2 * (1 + beta) / (1 - beta), 0.01):
            raise Wrong("The map is right. That is the edge where the gradient enters with the weight 1 - beta; "
                        "here it enters whole.")  # fmt: skip
        if not near(found * lr, 2 + 2 * beta, 0.01):
            side = "inside" if found * lr < 2 + 2 * beta else "outside"
            raise Wrong("The map is right. At the curvature that heavy_ball_edge returns, the eigenvalue of your own "
                        f"map nearest to -1 is {side} the unit circle.")  # fmt: skip
    return "Right: through -1 again, but later. Momentum moves the edge, and 2/lr is not a law of nature."


def adam_edge(draw: random.Random, adam_ratios: Function) -> str:
    """Raw and preconditioned sharpness late in a run of Adam, over its own limit."""
    from widgetlib.engine.run import run
    from widgetlib.measure.sharpness import sharpness

    lr = round(draw.uniform(0.01, 0.012), 4)
    problem = catalog.problem("digits_mlp", subset=300, width=16)
    trace = run(catalog.method("adam", lr=lr), problem, 600, seed=draw.randrange(1, 20))
    raw, own = (float(x) for x in numbers(adam_ratios, (trace,), (2,)))
    table = sharpness(trace, k=1)
    late = table["step"] >= 0.8 * table["step"][-1]
    limit = float(table["limit"][-1])
    wanted_raw = float(np.median(table["eigenvalue"][late, 0])) / limit
    wanted_own = float(np.median(table["gauge"][late])) / limit
    if near(own, wanted_raw, 0.15) and near(raw, wanted_own, 0.15):
        raise Wrong("Both numbers are there, in the other order: first the raw sharpness, then the preconditioned one.")
    if near(own, wanted_own * limit, 0.15):
        raise Wrong("The preconditioned sharpness itself is right; divide it, and the raw one, by Adam's own limit.")
    if near(own, wanted_own * limit * lr / 2, 0.15):
        raise Wrong("You divided by the limit of gradient descent; Adam has one of its own.")
    if near(own, wanted_raw, 0.15):
        raise Wrong("The second number comes from the raw Hessian too: which column holds the eigenvalue of P⁻¹H?")
    if not near(own, wanted_own, 0.15):
        raise Wrong("The preconditioned ratio is off: take the median over the last fifth of the records, not the peak "
                    "and not the whole run.")  # fmt: skip
    if not near(raw, wanted_raw, 0.15):
        raise Wrong("The preconditioned ratio is right. For the raw one take the largest Hessian eigenvalue over the "
                    "same records and divide by the same limit.")  # fmt: skip
    return (f"Right: on a net of its own the check found {wanted_own:.2f} for the preconditioned sharpness and "
            f"{wanted_raw:.4f} for the raw one.")  # fmt: skip


EXERCISES = {"first_edge": first_edge, "own_edge": own_edge, "adam_edge": adam_edge}
