"""Gates and memory: what each gate does with each character, and how long each unit keeps what it has."""

from dashboard.widgets.gates_panels import memory_panels
from dashboard.widgets.page import run_page

run_page(
    "Gates and memory",
    "Each row is a unit, each column a character that it read. Click a unit to follow it through the sequence and "
    "through training. A unit whose gate lets go of 1/100 at each step remembers for about 100 steps: look whether "
    "any remembers as long as the window.",
    memory_panels,
    bar="metrics",
)
