"""Both directions: the end decides the beginning."""

from dashboard.widgets.lecture.shapes import shape_page

shape_page("end-decides")
