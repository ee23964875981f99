"""Variable-size outputs: a film goes on."""

from dashboard.widgets.lecture.shapes import shape_page

shape_page("film-goes-on")
