"""Variable-size outputs: a sound goes on."""

from dashboard.widgets.lecture.shapes import shape_page

shape_page("sound-goes-on")
