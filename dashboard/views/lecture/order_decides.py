"""Many to one: the order of words."""

from dashboard.widgets.lecture.shapes import shape_page

shape_page("order-decides")
