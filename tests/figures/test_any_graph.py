"""Claims about the figure of Any graph: what is done is in colour, and nodes stand apart from each other."""

import itertools

import numpy as np
import pytest

from dashboard.figures.any_graph import graph
from dashboard.figures.any_graph_layout import curve, layout
from dashboard.figures.base import Look
from rnncore.lecture import experiment
from rnncore.lecture.any_graph import EXAMPLES

RECORD = experiment("any-graph", lines=EXAMPLES["RNN, three steps"])


def texts(figure):
    return [one.text for one in figure.layout.annotations if one.text]


def nodes(figure):
    return next(trace for trace in figure.data if trace.name == "nodes")


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_values_come_first_and_each_node_gets_its_delta_when_it_is_done(mode):
    look = Look(mode)
    assert not any("δ" in text for text in texts(graph(RECORD, look)))
    for done in range(1, 12):
        assert sum("δ" in text for text in texts(graph(RECORD, look, done=done))) == done
    assert texts(graph(RECORD, look, done=99)) == texts(graph(RECORD, look, done=11))


def test_at_the_node_of_the_moment_what_arrives_stands_on_its_edges():
    figure = graph(RECORD, done=6)  # h1
    assert figure.layout.meta["caption"] == "at h1: 2 δ arrived"
    assert {"<b>0.809</b>", "<b>0.267</b>", "<b>δ 1.076</b>"} <= set(texts(figure))
    width = nodes(figure).marker.line.width
    assert np.argmax(width) == RECORD.names.index("h1")


def test_a_click_on_a_node_goes_to_its_step():
    trace = nodes(graph(RECORD))
    assert dict(zip(trace.text, trace.customdata, strict=True))["L3"] == 1
    assert dict(zip(trace.text, trace.customdata, strict=True))["w"] == 11


@pytest.mark.parametrize("lines", [*EXAMPLES.values(), "L = 1"])
def test_nodes_stand_apart_and_edges_go_to_the_right(lines):
    record = experiment("any-graph", lines=lines)
    edges = list(zip(record.nodes.tolist(), record.descendants.tolist(), strict=True))
    drawn = layout(len(record.names), edges)
    for (x0, y0), (x1, y1) in itertools.combinations(drawn.nodes, 2):
        assert x0 != x1 or abs(y0 - y1) >= 1 - 1e-9
    for (used, user), way in zip(edges, drawn.ways, strict=True):
        assert (way[0], way[-1]) == (drawn.nodes[used], drawn.nodes[user])
        assert [x for x, _ in way] == list(np.arange(way[0][0], way[-1][0] + 1))


def test_an_edge_over_several_layers_passes_beside_the_nodes_there():
    record = RECORD
    edges = list(zip(record.nodes.tolist(), record.descendants.tolist(), strict=True))
    drawn = layout(len(record.names), edges)
    for way in drawn.ways:
        for place in way[1:-1]:
            assert min(abs(y - place[1]) for x, y in drawn.nodes if x == place[0]) >= 0.5


def test_a_smooth_line_passes_through_all_places_of_its_way():
    way = [(0.0, 0.0), (1.0, 2.0), (2.0, 1.0), (3.0, 1.0)]
    line = curve(way)
    assert all(min(abs(x - a) + abs(y - b) for a, b in line) < 1e-12 for x, y in way)
    assert curve(way[:2]) == way[:2]


def test_thirty_nodes_show_the_numbers_of_the_moment_alone():
    lines = "w = 0.9\nh0 = 1\n" + "".join(f"h{t} = tanh(w*h{t - 1})\nL{t} = h{t}**2\n" for t in range(1, 15))
    record = experiment("any-graph", lines=lines)
    figure = graph(record, done=30)
    assert len(nodes(figure).x) == 30
    assert sum("δ" in text for text in texts(figure)) == 1


def test_an_overflow_is_said():
    record = experiment("any-graph", lines="w = 0.9\nL = exp(500*w)*exp(500*w)")
    assert "<b>δ ∞</b>" in texts(graph(record, done=2))


def test_before_the_first_result_the_card_says_so():
    assert "appears here" in graph(None).layout.annotations[0].text
