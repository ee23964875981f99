"""One to one: a single picture."""

from dashboard.widgets.lecture.shapes import shape_page

shape_page("one-to-one")
