"""Side-by-side measurements against named peers; `python -m benchmarks` prints them as one table.

Each module here that has a function `rows` takes part.
"""
