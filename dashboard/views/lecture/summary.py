"""Summary: a map of the lecture, each page with the number that the reader saw there."""

from dashboard.widgets.lecture import begin, end
from dashboard.widgets.lecture.frame import answered, happened
from dashboard.widgets.lecture.overview import SUMMARY, draw, in_total, seen
from dashboard.widgets.problems import in_words

text = begin(SUMMARY)
with in_words():
    pages = seen()
    draw(pages)
    if answered():
        happened(text, in_total(pages))
end(SUMMARY)
