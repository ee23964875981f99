"""Samples over training: what a network writes, from the first nonsense on, and how good it is."""

from dashboard.widgets.page import run_page
from dashboard.widgets.samples_panels import panels

run_page(
    "Samples over training",
    "The same primer and the same random numbers each time, so that only the network changes: first characters of the "
    "right frequency, then words, then phrases. Play it like a film, and look which measure reaches the level of real "
    "text first. A measure alone is easily fooled: noise is new and varied, repetition is cheap in bits.",
    panels,
    bar="metrics",
)
