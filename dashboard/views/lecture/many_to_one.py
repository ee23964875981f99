"""Many to one: what is going on?."""

from dashboard.widgets.lecture.shapes import shape_page

shape_page("many-to-one")
