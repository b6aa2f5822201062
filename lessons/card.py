# ---
# jupyter:
#   atlas:
#     opening: record
# ---

# %% [markdown] lesson_id="about" tags=["voila-hide"]
# # The card of a method
#
# Run the cell below, choose a method and a problem, and move a slider. `wl.card("adam", lr=0.01)` opens on
# what you name; as a dashboard this notebook takes it from the address: `card.ipynb?method=adam`.

# %% lesson_id="card"
import widgetlib as wl

wl.card()
