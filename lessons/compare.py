# ---
# jupyter:
#   atlas:
#     opening: figures
# ---

# %% [markdown] lesson_id="about" tags=["voila-hide"]
# # Compare methods
#
# Run the cell below, add methods, move a rate, and choose on which axis cost shall be equal.
# `wl.compare(["adam", "gd"], problem="rosenbrock")` opens on what you name; as a dashboard this notebook takes it
# from the address: `compare.ipynb?methods=adam,gd&problem=rosenbrock`.

# %% lesson_id="compare"
import widgetlib as wl

wl.compare()
