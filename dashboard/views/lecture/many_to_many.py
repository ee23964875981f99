"""Many to many: a label for every frame."""

from dashboard.widgets.lecture.shapes import shape_page

shape_page("many-to-many")
