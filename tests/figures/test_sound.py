"""Claims about the pictures of a sound, about what is heard, and about how long it is right."""

import base64
import io
import wave
from dataclasses import replace

import numpy as np
import pytest

from dashboard.figures.base import Line, Look
from dashboard.figures.going_on import going_on
from dashboard.figures.sound import sound, spectrum, voices
from rnncore.config import RunConfig
from rnncore.diagnostics.examples import examples
from rnncore.diagnostics.sound import sound as measured
from rnncore.training.trainer import Trainer

LINE = Line("LRU · 12", "lru")


@pytest.fixture(scope="module")
def record():
    return measured(Trainer(RunConfig.of(task="sound", cell="lru", hidden_size=12, test_length=120)))


@pytest.fixture(scope="module")
def film():
    return examples(Trainer(RunConfig.of(task="video", cell="gru", hidden_size=8, sequence_length=10)))


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_truth_and_song_are_drawn_sample_by_sample_where_one_looks_closely(record, mode):
    for place, start in enumerate((-8, 148, 216)):
        drawn = sound(record, Look(mode), cell="lru", n=1, place=place)
        assert list(drawn.layout.xaxis2.range) == [start, start + 24]
        for name, samples in (("how it really goes on", record.truth), ("what the network sings", record.found)):
            (near,) = [one for one in drawn.data if one.name == name and one.xaxis == "x2"]
            at = np.round(np.array(near.x) * 8).astype(int)
            np.testing.assert_allclose(np.array(near.y), samples[at, 1], atol=1e-6)
    assert record.names[1] in drawn.layout.meta["caption"]


def test_what_is_heard_is_the_chord_and_then_the_truth_or_the_song(record):
    true, own = voices(record, 2)
    assert (true["label"], own["label"]) == ("The true chord", "The network")
    assert (true["begins"], true["ends"]) == (-64, 240)
    played = []
    for voice in (true, own):
        with wave.open(io.BytesIO(base64.b64decode(voice["wav"]))) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
            played.append(np.frombuffer(file.readframes(10**6), "<i2") / 32767)
    scale = 0.6 / np.abs(np.asarray(record.truth[:, 2], float)).max()
    for samples, part in zip(played, (record.truth, record.found), strict=True):
        wanted = np.concatenate([record.before[:, 2], part[:, 2]]).astype(float) * scale
        np.testing.assert_allclose(samples, np.clip(wanted, -1, 1), atol=1e-4)


def test_a_song_that_has_grown_too_loud_is_cut_and_not_wrapped_round(record):
    loud = replace(record, found=np.full_like(record.found, 100))
    with wave.open(io.BytesIO(base64.b64decode(voices(loud, 0)[1]["wav"]))) as file:
        assert np.frombuffer(file.readframes(10**6), "<i2")[-1] == 32767


def test_the_tones_of_the_true_chord_stand_at_its_notes(record):
    drawn = spectrum(record, cell="lru", n=0)
    hertz, truth = np.array(drawn.data[0].x), np.array(drawn.data[0].y)
    notes = {note.text: note.x for note in drawn.layout.annotations}
    assert list(notes) == record.names[0].split(" + ")
    for note in notes.values():
        near = np.abs(hertz - note) < 12
        assert truth[near].max() > 0.1


def test_before_the_first_record_a_sentence_stands_there_and_nothing_can_be_heard():
    for drawn in (sound(None), spectrum(None), going_on([(LINE, None)])):
        assert "first" in drawn.layout.annotations[0].text
    assert voices(None, 0) == []


def test_a_chord_and_a_number_that_do_not_exist_give_the_last_one(record):
    assert sound(record, n=99).layout.meta == sound(record, n=3).layout.meta
    assert voices(record, 99) == voices(record, 3)


def test_how_long_a_sound_is_right_is_drawn_with_its_quartiles_and_the_length_of_training(record):
    drawn = going_on([(LINE, record)])
    low, high, middle = (np.array(one.y) for one in drawn.data)
    np.testing.assert_allclose(middle, record.like.mean(1), atol=1e-6)
    np.testing.assert_allclose(low, np.percentile(record.like, 25, axis=1), atol=1e-6)
    np.testing.assert_allclose(high, np.percentile(record.like, 75, axis=1), atol=1e-6)
    assert np.array(drawn.data[2].x).tolist() == record.milliseconds.tolist()
    assert drawn.layout.shapes[0].x1 == 160


def test_how_long_a_film_is_right_stands_beside_copying_its_last_frame(film):
    drawn = going_on([(Line("GRU · 8", "gru"), film)])
    copied = drawn.data[-1]
    assert copied.name == "copying the last frame"
    np.testing.assert_allclose(np.array(copied.y), film.copied.mean(1), atol=1e-6)
    assert np.array(copied.x).tolist() == list(range(1, 33))
    assert drawn.layout.shapes[0].x1 == 2  # ten frames, of which eight are read


def test_two_runs_stand_in_one_picture(record):
    drawn = going_on([(LINE, record), (Line("LSTM · 12", "lstm"), record)])
    assert [one.name for one in drawn.data if one.showlegend is not False] == ["LRU · 12", "LSTM · 12"]
