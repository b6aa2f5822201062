# ---
# jupyter:
#   atlas:
#     opening: figures
# ---

# %% [markdown] lesson_id="title"
# # The edge of stability
#
# Gradient descent has a speed limit. Take steps that are too long for the curvature under your feet, and you are
# thrown out of the valley. So far, so well known. The surprise is what happens when a neural network is trained:
# **it drives up to that limit by itself, and then stays exactly there**, for as long as you let it.
#
# In this lesson you will see it happen, find out where the limit comes from and what holds the network at it, and
# learn that every optimizer has a limit of its own. You need to know what a gradient and an eigenvalue are. Buttons
# and sliders set the pictures going; each question asks for your prediction *before* the run. Do guess. A wrong
# guess that you committed to teaches more than a right answer that you read.

# %% [markdown] lesson_id="about" tags=["voila-hide"]
# **In this notebook:** choose *Run → Run All Cells* once, then read on. The cells that make the pictures are folded;
# the three exercises are yours to write, and each ends with a check. Your predictions are kept in the folder
# `answers/` beside this notebook. Allow 45 to 60 minutes.

# %% lesson_id="setup"
import widgetlib as wl
from widgetlib import course
from widgetlib.course import pictures

lesson = course.Lesson("01_edge_of_stability", student="")  # your name or number: the checks choose their inputs by it

# %% [markdown] lesson_id="parabola"
# ## 1. A parabola decides everything
#
# Near a minimum every smooth loss looks like a parabola, $L(w) = \tfrac12 \lambda w^2$. Its second derivative $\lambda$
# is the **curvature**. The slope at $w$ is $\lambda w$, so one step of gradient descent with rate $\mathrm{lr}$ is
#
# $$w_{k+1} = w_k - \mathrm{lr}\,\lambda\, w_k = (1 - \mathrm{lr}\,\lambda)\, w_k .$$
#
# A step multiplies the distance to the minimum by one number, $\mu = 1 - \mathrm{lr}\,\lambda$: the *eigenvalue of the
# one-step map*. Everything is in it. Move the rate, and watch the ball on the left and $\mu$ on the right.

# %% lesson_id="parabola_toy" jupyter={"source_hidden": true}
bowl = course.Toy(
    [pictures.parabola, pictures.circle],
    steps=30,
    lr=course.Slider("rate lr", 0.05, 0.01, 0.3, 0.005),
    curvature=course.Slider("curvature λ", 10.0, 2.0, 20.0, 0.5),
)
bowl

# %% lesson_id="predict_parabola" jupyter={"source_hidden": true}
lesson.predict(
    "parabola",
    "Curvature 10, rate 0.19. What will the iterate do? (Run sets the sliders above.)",
    [
        course.Choice(
            "glide into the minimum from one side", 0, 1, "It would glide at a rate below 0.1, where μ is positive."
        ),
        course.Choice("jump from side to side, a little closer each time", -1, 0),
        course.Choice(
            "jump from side to side, further out each time", -9, -1, "The jumps are there, but |μ| is below 1."
        ),
    ],
    run=course.setting(bowl, lr=0.19, curvature=10.0),
    measured=lambda at: 1 - at["lr"] * at["curvature"],
    result="The eigenvalue is μ = {:.2f}.",
    why="A negative μ changes side at each step, and a modulus below 1 shrinks the distance. "
    "Now push the rate past 0.2 and watch μ leave the circle.",
)

# %% [markdown] lesson_id="two_over_lr"
# The iterate is stable while $|\mu| < 1$. A positive curvature can break this in one way only: $\mu$ leaves the unit
# circle through $-1$. That is at $\mathrm{lr}\,\lambda = 2$, or
#
# $$\lambda = \frac{2}{\mathrm{lr}} .$$
#
# Read it in both directions. For a given curvature it bounds the rate; *for a given rate it bounds the curvature that
# you can live with*. The second reading is the one that matters today.
#
# With many weights the curvature is a matrix, the Hessian $H$, and each of its eigenvectors is a parabola of its own. The
# steepest one, with the largest eigenvalue $\lambda_1$, is the first to break. This $\lambda_1$ is called the
# **sharpness**.

# %% [markdown] lesson_id="exercise_1" tags=["voila-hide"]
# ### Exercise 1: find the edge by experiment
#
# Write one step of gradient descent, and then *measure* the rate from which it diverges: take many steps from $w = 1$,
# see whether $|w|$ has grown, and close in on the rate at which that changes. The check tries curvatures from 0.5 to 40.


# %% lesson_id="exercise_1_code" tags=["solution", "voila-hide"]
def gd_step(w, grad, lr):
    """The point after one step of gradient descent from w, where grad(w) is the slope at w."""
    ### BEGIN SOLUTION
    return w - lr * grad(w)
    ### END SOLUTION


def diverges_from(curvature):
    """The rate from which gradient descent diverges on the parabola of this curvature, found by trying."""
    ### BEGIN SOLUTION
    low, high = 0.0, 100 / curvature
    for _ in range(30):
        lr, w = (low + high) / 2, 1.0
        for _ in range(100):
            w = gd_step(w, lambda w: curvature * w, lr)
        low, high = (lr, high) if abs(w) < 1 else (low, lr)
    return high
    ### END SOLUTION


# %% lesson_id="exercise_1_check" tags=["check", "voila-hide"]
lesson.check("first_edge", gd_step, diverges_from)

# %% [markdown] lesson_id="digits"
# ## 2. A network drives up to the edge
#
# Now a real network: 64 pixels of a handwritten digit, two hidden layers of 32 tanh units, ten outputs, 1797 images, every
# step on all of them. It starts at a sharpness of about 4. With rate 0.4 the limit is $2/0.4 = 5$: safe, with a
# margin of a fifth.

# %% lesson_id="predict_digits" jupyter={"source_hidden": true}
lesson.predict(
    "digits",
    "Gradient descent trains this network at rate 0.4 for 1500 steps. Its sharpness starts at 4; the limit 2/lr is 5. "
    "Where will the sharpness be at the end?",
    [
        course.Choice(
            "well below 5: training leads to flat regions", 0, 4.5, "Many expect it, but flat is not where it goes."
        ),
        course.Choice("at 5, within a tenth", 4.5, 5.5),
        course.Choice(
            "well above 5: the network does not know about 2/lr", 5.5, 1e9, "It does rise, but it is stopped."
        ),
        course.Choice(
            "it has no end: the loss explodes", 1e9, float("inf"), "On a parabola it would: there the curvature stays."
        ),
    ],
    run=course.preset("gradient descent at 0.4", "gd", "digits_mlp", 1500, lr=0.4),
    measured=lambda seen: seen.late(),
    result="Over the last fifth of the run the sharpness was {:.2f}.",
    why="While the sharpness is below the limit, training raises it: progressive sharpening. At the limit something "
    "holds it. Look at the loss too: from the crossing on it is no longer smooth, and still it falls.",
)

# %% [markdown] lesson_id="crossing"
# Two phases, with the dotted line between them. Before the **first crossing** the loss falls smoothly while the
# sharpness climbs; this climb is called **progressive sharpening**. After it the sharpness hovers around $2/\mathrm{lr}$, and
# the loss goes up and down from step to step but down in the long run. This second phase is the **edge of stability**
# (Cohen et al., 2021). Nobody told the network the number $2/\mathrm{lr}$. Change the rate, and it finds the new one.

# %% lesson_id="rates_stage" jupyter={"source_hidden": true}
lesson.stage(
    """Train again {at rate 0.4}, and then {at rate 0.6}, whose limit is only 3.33: the network starts above it.
    It is thrown about for a few steps, and lands in a flatter place. Or start it {from another seed}: other
    weights, the same limit.""",
    course.preset("at rate 0.4", "gd", "digits_mlp", 1200, lr=0.4),
    course.preset("at rate 0.6", "gd", "digits_mlp", 1200, lr=0.6),
    course.preset("from another seed", "gd", "digits_mlp", 1200, lr=0.4, seed=3),
)

# %% [markdown] lesson_id="stabilise"
# ## 3. What holds it there?
#
# On a parabola the story ends badly: past the edge, the oscillation grows for ever. A network differs in one respect: *its
# curvature changes from place to place*. Call $x$ the displacement along the sharpest direction, and $y$ how far
# the sharpness is above $2/\mathrm{lr}$. Then three things happen at once (Damian et al., 2023):
#
# * Progressive sharpening pushes $y$ up, at some speed $\alpha$.
# * While $y > 0$ the oscillation $x$ grows: that is the instability of section 1, with $\mu = -(1 + \mathrm{lr}\, y)$.
# * A wide oscillation feels the third derivative of the loss, and is carried to where the curvature is smaller:
#   $y$ falls, in proportion to $x^2$.
#
# Growth feeds the very thing that ends it. Predators and prey live by the same equations.

# %% lesson_id="cycle_toy" jupyter={"source_hidden": true}
loop = course.Toy(
    [pictures.bursts, pictures.orbit],
    steps=399,
    sharpening=course.Slider("speed of sharpening α", 0.04, 0.01, 0.16, 0.01),
)
loop

# %% lesson_id="predict_cycle" jupyter={"source_hidden": true}
lesson.predict(
    "cycle",
    "The picture shows α = 0.04 and a typical displacement (root mean square) of about 0.28. Make the sharpening four times "
    "as strong, α = 0.16. By what factor does the typical displacement grow?",
    course.Number(
        0.1, 20, "times", 0.1,
        ((4.0, "Four would be right if the displacement itself pushed back; it is its square that does."),
         (1.0, "The mean sharpness does stay the same, but a stronger push needs a stronger push back."),
         (16.0, "The square is the right thing to think of, but the other way round: x² is what must grow by four.")),
    ),
    run=course.setting(loop, sharpening=0.16),
    measured=lambda at: float((pictures.cycle(at["sharpening"])[0] ** 2).mean() / (pictures.cycle(0.04)[0] ** 2).mean()) ** 0.5,
    result="The factor is {:.2f}.",
    why="On average y neither rises nor falls, so the mean of ½x² must equal α: the mean square of x is 2α, whatever "
    "the orbit, and x itself goes with the root.",
)  # fmt: skip

# %% [markdown] lesson_id="self_stabilisation"
# This is **self-stabilisation**. It explains all you saw: the sharpness hovers around $2/\mathrm{lr}$ because that is
# the centre of the cycle, and the loss still falls because only one direction oscillates while all others go on downhill.
# It makes a prediction as well. If the limit moves in the middle of training, the network should follow.

# %% lesson_id="predict_halved" jupyter={"source_hidden": true}
lesson.predict(
    "halved",
    "The network is trained at rate 0.4 for 800 steps and sits at its edge, sharpness 5. Then the rate is halved, for "
    "another 800 steps; the new limit is 10. What will the sharpness do?",
    [
        course.Choice(
            "fall: smaller steps calm it down",
            0,
            4.5,
            "The oscillation does die out, but it was what held the sharpness down.",
        ),
        course.Choice("stay near 5: the network has settled", 4.5, 5.5, "It had not settled; it was being held."),
        course.Choice("rise towards 10", 5.5, 1e9),
    ],
    run=course.preset("rate 0.4, then 0.2", "gd", "digits_mlp", 1600, lr=0.4, then={"lr": 0.2}),
    measured=lambda seen: seen.late(),
    result="Over the last fifth the sharpness was {:.2f}.",
    why="Once nothing oscillates, nothing opposes progressive sharpening. Note the loss as well: it takes a small step down when "
    "the rate does, since the oscillation that lifted it is gone.",
)

# %% [markdown] lesson_id="own_edges"
# ## 4. Every method has its own edge
#
# The number 2 came from the step of gradient descent. Another method has another step, hence another map, hence another
# edge. The recipe stays: *write down the one-step map on a parabola, and ask at which curvature an eigenvalue leaves the
# unit circle.*
#
# **Momentum.** Heavy ball keeps a velocity: $m_{k+1} = \beta\, m_k + \lambda w_k$, then
# $w_{k+1} = w_k - \mathrm{lr}\; m_{k+1}$. Two numbers describe where it stands, so the map is a 2 by 2 matrix with
# two eigenvalues, the roots of $z^2 - (1 + \beta - \mathrm{lr}\,\lambda)\, z + \beta = 0$.

# %% lesson_id="ball_toy" jupyter={"source_hidden": true}
ball = course.Toy(
    [pictures.swing, pictures.circle],
    steps=60,
    lr=course.Slider("rate lr", 0.1, 0.01, 0.6, 0.005),
    curvature=course.Slider("curvature λ", 4.0, 1.0, 20.0, 0.5),
    beta=course.Slider("momentum β", 0.9, 0.0, 0.95, 0.05),
)
ball

# %% [markdown] lesson_id="ringing"
# Raise the curvature slowly. The two eigenvalues start near $1$ and $\beta$, meet, and turn into a complex pair that
# runs around a circle of radius $\sqrt\beta$: the iterate **rings**, like a bell, though it is perfectly stable. They meet
# again on the left, part, and one of them leaves through $-1$. So the exit is the same as that of gradient descent, but
# it comes later. How much later?

# %% lesson_id="predict_ball" jupyter={"source_hidden": true}
lesson.predict(
    "heavy_ball",
    "Heavy ball with β = 0.9 and rate 0.6 trains the network on the digits. (2/lr is 3.33.) At which sharpness will it settle?",
    course.Number(
        0.1, 100, "", 0.1,
        ((3.33, "That is the edge of gradient descent: try β = 0.9 above, and see that the ball survives it."),
         (0.333, "You replaced lr by lr/(1 − β), the rate that counts on a long slope. An oscillation changes sign at "
          "each step, and there the velocity does not add up."),
         (33.3, "You replaced lr by lr(1 − β); there is a factor 1 + β to find instead."),
         (63.3, "That holds where the gradient enters the velocity with the weight 1 − β, as in Adam.")),
    ),
    run=course.preset("heavy ball at 0.6", "heavy_ball", "digits_mlp", 1500, lr=0.6, beta=0.9),
    measured=lambda seen: seen.late(),
    result="Over the last fifth of the run it was {:.2f}.",
    why="Put z = −1 into the equation above and solve for λ: the edge of heavy ball is (2 + 2β)/lr, here 6.33.",
)  # fmt: skip

# %% [markdown] lesson_id="exercise_2" tags=["voila-hide"]
# ### Exercise 2: an edge of its own
#
# Write the map as a matrix that takes $(w, m)$ to the next $(w, m)$; mind that $w$ moves by the *new* velocity. Then find
# the curvature at which it becomes unstable: by algebra, or by searching for where `np.abs(np.linalg.eigvals(...)).max()`
# passes 1.

# %% lesson_id="exercise_2_code" tags=["solution", "voila-hide"]
import numpy as np


def one_step_map(lr, beta, curvature):
    """The 2 by 2 matrix that takes (w, m) to the next (w, m)."""
    ### BEGIN SOLUTION
    return np.array([[1 - lr * curvature, -lr * beta], [curvature, beta]])
    ### END SOLUTION


def heavy_ball_edge(lr, beta):
    """The largest curvature at which heavy ball is stable."""
    ### BEGIN SOLUTION
    low, high = 0.0, 100 / lr
    for _ in range(50):
        middle = (low + high) / 2
        stable = np.abs(np.linalg.eigvals(one_step_map(lr, beta, middle))).max() <= 1
        low, high = (middle, high) if stable else (low, middle)
    return low
    ### END SOLUTION


# %% lesson_id="exercise_2_check" tags=["check", "voila-hide"]
lesson.check("own_edge", one_step_map, heavy_ball_edge)

# %% [markdown] lesson_id="adam"
# **Adam** divides each coordinate by the root of its averaged squared gradient. Hold these divisors fixed and call them $P$:
# then Adam is momentum on a landscape whose coordinates have been rescaled, and what counts is the curvature *there*,
# the **preconditioned sharpness** $\lambda_1(P^{-1}H)$. Its momentum weighs the gradient with $1 - \beta_1$, so its edge is
#
# $$\frac{2 + 2\beta_1}{(1 - \beta_1)\,\mathrm{lr}} = \frac{38}{\mathrm{lr}} \quad\text{at } \beta_1 = 0.9 .$$
#
# **SAM** takes its gradient at the worst point within a radius $\rho$, where a direction of curvature $\lambda$ looks even
# steeper. So its edge lies *below* that of its base, and it moves: it falls as the gradient gets smaller.

# %% lesson_id="methods_stage" jupyter={"source_hidden": true}
lesson.stage(
    """Run {Adam at 0.003}: the curve is the preconditioned sharpness, in the thousands, and the dashed line is 38/lr.
    The first few steps do not count, as its averages are only forming. Then {SAM at 0.2}: for plain gradient descent the
    limit would be 10; watch how far below that SAM keeps the network. For comparison, {plain descent at 0.2} never gets
    to its limit in this time.""",
    course.preset("Adam at 0.003", "adam", "digits_mlp", 1500, lr=0.003),
    course.preset("SAM at 0.2", "sam", "digits_mlp", 1000, base="gd", rho=0.05, **{"base.lr": 0.2}),
    course.preset("plain descent at 0.2", "gd", "digits_mlp", 1500, lr=0.2),
)

# %% [markdown] lesson_id="exercise_3" tags=["voila-hide"]
# ### Exercise 3: which sharpness sits at 38/lr?
#
# `trace` below is a recorded run of Adam. `wl.measure.sharpness(trace, k=1)` measures along it and returns a table: `step`,
# `eigenvalue` (of the Hessian itself, one column for each of the k largest) and `gauge` (the largest eigenvalue in the
# method's own preconditioner). Return the median of both over the last fifth of the records, each as a multiple of
# 38/lr. The rate is `trace.method.lr`.

# %% lesson_id="exercise_3_run" tags=["voila-hide"]
small_net = wl.problem("digits_mlp", subset=300, width=16)
trace = wl.run(wl.method("adam", lr=0.01), small_net, steps=600)


# %% lesson_id="exercise_3_code" tags=["solution", "voila-hide"]
def adam_ratios(trace):
    """(raw sharpness, preconditioned sharpness) late in the run, each divided by Adam's own limit."""
    ### BEGIN SOLUTION
    table = wl.measure.sharpness(trace, k=1)
    late = table["step"] >= 0.8 * table["step"][-1]
    limit = 38 / trace.method.lr
    return np.median(table["eigenvalue"][late, 0]) / limit, np.median(table["gauge"][late]) / limit
    ### END SOLUTION


adam_ratios(trace)

# %% lesson_id="exercise_3_check" tags=["check", "voila-hide"]
lesson.check("adam_edge", adam_ratios)

# %% [markdown] lesson_id="map"
# ## 5. The one-step map of a whole network
#
# A parabola has one eigenvalue to look at. A network with 3466 weights has 3466, and momentum doubles them; but the
# question is the same. Linearise one whole step of the method at the point where the network stands, and look at
# the eigenvalues that are **farthest from +1**: through $-1$, or as a complex pair, leads over the edge. An
# eigenvalue slightly above $+1$ is no instability: it is a direction of negative curvature, along which the loss goes
# down.

# %% lesson_id="map_stage" jupyter={"source_hidden": true}
lesson.stage(
    """Train {plain descent, with its map} and drag the step slider through the crossing: the leading eigenvalue walks
    to −1 and then dances around it. With {heavy ball, with its map} look for a complex pair, of modulus √0.9 = 0.949:
    the network rings like the ball in section 4, just inside its edge.""",
    course.preset("plain descent, with its map", "gd", "digits_mlp", 1000, lr=0.4, meter=True),
    course.preset("heavy ball, with its map", "heavy_ball", "digits_mlp", 1000, lr=0.6, beta=0.9, meter=True),
)

# %% [markdown] lesson_id="limits"
# ## 6. When you do not see it
#
# **The rate is too small.** The edge is a meeting of two things: sharpness that rises, and a limit that waits. With a
# small rate the limit is high, and training may end before they meet. That is no counterexample; it is a choice with a
# consequence. As a rule of thumb for this network, a rate of 1.4 over the first sharpness reaches its edge soon.
#
# **The loss runs out of curvature.** With cross-entropy, and all images classified well, the curvature vanishes with the
# error: the sharpness falls late in training, however large the rate.
#
# **The preconditioner moves.** The edge of Adam was derived with its divisors held fixed. They are not: where the steps
# get wild, the divisors grow and tame them. On a parabola, where plain descent explodes, Adam never does.

# %% lesson_id="limits_stage" jupyter={"source_hidden": true}
lesson.stage(
    """A rate {too small, 0.1}: limit 20, and the sharpness is still on its way when the time is up. Then
    {cross-entropy at 4}: it starts at the limit and leaves it downwards. And {Adam on a parabola}, at a rate at which the
    law says unstable at first: its divisors grow until it is stable again.""",
    course.preset("too small, 0.1", "gd", "digits_mlp", 1500, lr=0.1),
    course.preset("cross-entropy at 4", "gd", "digits_mlp", 1500, lr=4.0, on={"objective": "cross_entropy"}),
    course.preset("Adam on a parabola", "adam", "quadratic", 600, lr=1.0, on={"condition": 100.0}),
)

# %% [markdown] lesson_id="no_law"
# **Where the law does not apply at all.** These are not failures of the idea. Each needs another gauge, and a careful
# person says so before drawing a line at $2/\mathrm{lr}$.
#
# | situation | why | look instead at |
# |---|---|---|
# | mini-batches | noise acts before the full-batch edge is reached, and the sharpness stays below it | the curvature along the mini-batch gradient, averaged over batches |
# | a rate that changes | the limit moves with it | sharpness against the limit *of that step* |
# | sign steps, normalised steps, clipping | the step has the same length however small the slope: no linear map, no eigenvalue | a bounded zig-zag, about as wide as the step |
# | batch normalisation, dropout | they change the function whose Hessian is meant | the Hessian of exactly what is trained |
# | ReLU with finite differences | kinks look like infinite curvature | products with the exact Hessian |

# %% [markdown] lesson_id="summary"
# ## What to take home
#
# 1. On a parabola a step is multiplication by $1 - \mathrm{lr}\,\lambda$; the edge is the eigenvalue $-1$.
# 2. Training raises the sharpness to the edge (progressive sharpening), and a cycle of instability and
#    recovery keeps it there (self-stabilisation).
# 3. So the learning rate does not only set the speed: it selects how sharp a place the network can live in.
# 4. Every method has its own edge, in its own geometry: $2/\mathrm{lr}$, $(2 + 2\beta)/\mathrm{lr}$, $38/\mathrm{lr}$
#    of the preconditioned sharpness, a moving one for SAM. Before you compare a curve with a limit, ask whose limit it is.
#
# **Read on.** Cohen et al., *Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability* (2021). Cohen
# et al., *Adaptive Gradient Methods at the Edge of Stability* (2022). Damian, Nichani and Lee, *Self-Stabilization: The
# Implicit Bias of Gradient Descent at the Edge of Stability* (2023). Long and Bartlett, *Sharpness-Aware Minimization and
# the Edge of Stability* (2023).
