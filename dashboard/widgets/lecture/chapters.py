"""The lecture's pages in their order. A new page is a line here, a view, a text, and what it measures."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.widgets.lecture.text import read


@dataclass(frozen=True)
class Chapter:
    """A page of the lecture.

    Attributes:
        name: of its address, and of its text.
        task: the kind of task whose runs it is about, ``all`` for the summary; empty where it has an experiment.
    """

    name: str
    task: str = ""

    @property
    def own(self) -> bool:
        """Whether its page is the lecture's alone."""
        return not self.task

    @property
    def view(self) -> str:
        """Where the page is, seen from ``main.py``."""
        return f"views/lecture/{self.name.replace('-', '_')}.py"

    @property
    def title(self) -> str:
        """Of the page."""
        return read(self.name).title


CHAPTERS = (
    Chapter("variable-length"),
    Chapter("unrolled"),
    Chapter("shared-weights"),
    Chapter("any-graph"),
    Chapter("each-step"),
    Chapter("vanishing"),
    Chapter("remember-or-forget"),
    Chapter("inside-the-lstm"),
    Chapter("why-lstms"),
    Chapter("in-practice"),
    Chapter("structured-prediction", "sentences"),
    Chapter("distributional-shift", "henon"),
    Chapter("lecture-scheduled-sampling", "sentences"),
    Chapter("from-nonsense-to-prose", "text"),
    Chapter("cells"),
    Chapter("one-to-one", "image"),
    Chapter("one-to-many", "captions"),
    Chapter("many-to-one", "motion"),
    Chapter("order-decides", "sentiment"),
    Chapter("many-to-many", "frames"),
    Chapter("translation"),
    Chapter("film-goes-on", "video"),
    Chapter("sound-goes-on", "sound"),
    Chapter("both-directions", "both_ways"),
    Chapter("end-decides", "phonemes"),
    Chapter("convolution-inside", "video"),
    Chapter("many-layers"),
    Chapter("beyond"),
    Chapter("summary", "all"),
)


def place(name: str) -> int:
    """Where in the lecture a page stands, from 0."""
    return [chapter.name for chapter in CHAPTERS].index(name)
