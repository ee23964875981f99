"""Both directions."""

from dashboard.widgets.lecture.shapes import shape_page

shape_page("both-directions")
