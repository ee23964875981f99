"""Inside the cell: its equations as a diagram, with the real numbers of one unit at one step."""

from dashboard.widgets.gates_panels import cell_panels
from dashboard.widgets.page import run_page

run_page(
    "Inside the cell",
    "One unit at one step, with the numbers of the trace. Move along the sequence with the slider or by pointing "
    "into the curves, and click a row of the heatmap for another unit. Thick arrows carry much, thin ones little; "
    "states are blue where positive and orange where negative.",
    cell_panels,
    bar="metrics",
)
