"""The panels of what goes on by itself: a sound to listen to, its tones, and for how long it is right."""

from __future__ import annotations

from typing import Any

from dashboard.figures.going_on import going_on
from dashboard.figures.sound import sound, spectrum, voices
from dashboard.live.panels.scene import PanelType, Scene, lines_of
from rnncore.records import Examples, Sound

CHORD, PLACE = "example", "place"
"""Parameters: which of the chords, from 0, and where the close-up is."""


def _sound(scene: Scene) -> dict[str, Any]:
    record: Sound | None = scene.record(Sound.kind)
    n, place = scene.params.get(CHORD, 0), scene.params.get(PLACE, 0)
    return {
        "figure": sound.plain(record, scene.look, cell=scene.cell, n=n, place=place), "sounds": voices(record, n),
    }  # fmt: skip


def _spectrum(scene: Scene) -> dict[str, Any]:
    record: Sound | None = scene.record(Sound.kind)
    return {"figure": spectrum.plain(record, scene.look, cell=scene.cell, n=scene.params.get(CHORD, 0))}


def _going_on(scene: Scene) -> dict[str, Any]:
    pairs = zip(lines_of(scene), scene.runs, strict=True)
    found = [
        (line, record)
        for line, run in pairs
        for kind in (Sound.kind, Examples.kind)
        if (record := scene.record(kind, run)) is not None
    ]
    return {"figure": going_on.plain(found, scene.look)}


PANELS = {
    "sound": PanelType((Sound.kind,), _sound, one_run=True),
    "spectrum": PanelType((Sound.kind,), _spectrum, one_run=True),
    "going_on": PanelType((Sound.kind, Examples.kind), _going_on),
}
