"""Convolution inside: the next frame."""

from dashboard.widgets.lecture.shapes import shape_page

shape_page("convolution-inside")
