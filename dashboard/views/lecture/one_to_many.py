"""One to many: a picture is told in words."""

from dashboard.widgets.lecture.shapes import shape_page

shape_page("one-to-many")
