"""A page of the lecture: claim, question, experiment, what happened, what breaks it; and the way to the next page."""

from dashboard.widgets.lecture.form import Form
from dashboard.widgets.lecture.frame import begin, end
from dashboard.widgets.lecture.page import experiment_page

__all__ = ["Form", "begin", "end", "experiment_page"]
