"""Claims about Any graph: by hand as by autograd, whatever the reader writes; and what is no graph is refused."""

from __future__ import annotations

import numpy as np
import pytest

from rnncore.errors import ConfigError
from rnncore.lecture import experiment
from rnncore.lecture.any_graph import EXAMPLES, backward, forward
from rnncore.lecture.formulas import FUNCTIONS, MOST_NODES, OPERATIONS, local, parse
from rnncore.lecture.measured import any_graph as measured
from rnncore.records import AnyGraph, Record
from tests.lecture.same import same


def found(lines):
    record = experiment("any-graph", lines=lines)
    assert isinstance(record, AnyGraph)
    return record


def node(record, name):
    return record.names.index(name)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_walk_is_autograd_and_central_differences_agree(name):
    record = found(EXAMPLES[name])
    assert record.error <= 1e-14
    assert record.central_error <= 1e-8
    assert record.answer == "sum"


EVERY = "a = 0.7\nb = 1.3\n" + "".join(f"n{at} = {name}(a*b + {at}/10)\n" for at, name in enumerate(FUNCTIONS))


@pytest.mark.parametrize(
    "lines",
    [
        EVERY + "L = " + " + ".join(f"n{at}" for at in range(len(FUNCTIONS))),
        "a = 0.7\nb = 1.3\nL = a**b - (-a/b)**3 + 2**a - +b",
        "x = 3\nL = x*x*x/(x + 1) - x",
        "x = -2\nL = relu(x) + relu(-x)",
        "x = 0\nL = x**2 + x**1 + x**0",
        "x = 2\ny = x # not used again\nL1 = x\nL2 = x",
    ],
)
def test_every_operation_has_autograd_s_derivative(lines):
    record = found(lines)
    assert not record.overflowed
    np.testing.assert_allclose(record.delta, record.autograd, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(record.delta, record.central, rtol=1e-7, atol=1e-7)


def test_torch_and_numpy_know_the_same_operations():
    assert OPERATIONS.keys() == measured.OPERATIONS.keys()


def test_at_a_node_with_several_descendants_what_arrives_adds_up():
    record = found(EXAMPLES["RNN, three steps"])
    h1 = node(record, "h1")
    assert [record.names[record.descendants[edge]] for edge in record.arriving(h1)] == ["h2", "L1"]
    h = record.values
    from_loss = 2 * (h[h1] - 0.2)
    from_next = record.delta[node(record, "h2")] * (1 - h[node(record, "h2")] ** 2) * 0.9
    np.testing.assert_allclose(record.sent[record.arriving(h1)], [from_next, from_loss], rtol=1e-14)
    assert record.delta[h1] == pytest.approx(from_loss + from_next, rel=1e-14)
    assert {record.names[one] for one in record.meeting} == {"w", "u", "h1", "h2"}


def test_the_total_derivative_of_x_sin_x_is_sin_x_plus_x_cos_x():
    record = found(EXAMPLES["f(x) = g(x, h(x))"])
    assert record.delta[0] == pytest.approx(np.sin(1.2) + 1.2 * np.cos(1.2), rel=1e-14)


def test_an_answer_is_told_only_where_no_other_would_do():
    nothing_first = found("x = 2\na = x + 0\nb = 0*x\nL = a + b")  # b sends 0, then a sends 1
    assert nothing_first.answer == ""  # the sum is what came last
    nothing_last = found("x = 2\nb = 0*x\na = x + 0\nL = a + b")
    assert nothing_last.answer == "sum"
    assert found("x = 2\na = 2*x\nb = 2*x\nL = a + b").answer == ""  # 2 + 2 is 2 times 2


def test_with_one_descendant_each_nothing_can_be_told():
    record = found("x = 2\nh = tanh(x)\nL = h**2")
    assert record.answer == ""
    assert "nothing meets" in record.numbers["meeting"]


def test_losses_are_the_lines_with_a_capital_l_that_nothing_uses():
    assert found("x = 1\nL1 = x\nL2 = 2*x\nL = L1*L2").losses == (False, False, False, True)
    assert found("x = 1\nL1 = x\nL2 = 2*x").losses == (False, True, True)
    assert found("x = 1\nL1 = x\nL2 = 2*x").delta[0] == 3


def test_a_node_behind_no_loss_has_no_gradient():
    record = found("x = 1\nz = 3\ny = x*z\nL = x**2")
    np.testing.assert_array_equal(record.delta, [2, 0, 0, 1])
    np.testing.assert_array_equal(record.autograd, [2, 0, 0, 1])


@pytest.mark.parametrize(
    ("line", "names"),
    [("L4 = exp(500*w)*exp(500*w)", "w, L4"), ("L4 = 1/(w - w)", "L4"), ("L4 = log(-w)", "L4"), ("L4 = 1e999*w", "w")],
)
def test_an_overflow_is_a_result(line, names):
    record = found(f"w = 0.9\nx = 1\nL1 = x**2\n{line}")
    for name in names.split(", "):
        assert name in record.overflowed
    assert "overflowed" in record.numbers["agreement"]
    assert "overflowed" in record.proof
    assert record.delta[1] == 2  # the others keep theirs
    assert Record.from_bytes(record.to_bytes()).numbers == record.numbers


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("", "between 1 and 30 lines, got 0"),
        ("\n".join(f"x{n} = 1" for n in range(MOST_NODES + 1)), "between 1 and 30 lines, got 31"),
        ("x = 1", "must have a loss"),
        ("x = 1\ny = z", "line 2 uses z, which no line above it gives; write e.g. z = 0.5 first"),
        ("h = tanh(h)\nL = h", "line 1 uses h"),
        ("x = 1\n\nx = 2\nL = x", "line 3 gives x a second time"),
        ("x 1", "line 1 must be a name, = and a formula, got 'x 1'"),
        ("2x = 1", "line 1 must begin with a name"),
        ("tanh = 1", "line 1 must begin with a name"),
        ("lambda = 1", "line 1 must begin with a name"),
        ("x = 1\nL = (x", "line 2 is no formula"),
        ("x = 1\nL = 2x", r"line 2 is no formula: '2x'; check its brackets and signs, and write a product as w\*x"),
        ("x = 1\nL = x^2", r"line 2 uses \^; write \*\* for a power"),
        ("x = 1\nL = sinh(x)", "line 2 uses a function sinh"),
        ("x = 1\nL = tanh", "line 2 uses tanh without brackets"),
        ("x = 1\nL = tanh(x, x)", "line 2 must give tanh one number"),
        ("L = " + "(" * 190 + "1" + ")" * 9, "line 1 is no formula"),
        ("L = 1" + "+1" * 100, "at most 200 characters"),
    ],
)
def test_what_is_no_graph_is_refused_with_the_line_and_the_remedy(lines, message):
    with pytest.raises(ConfigError, match=message):
        found(lines)


@pytest.mark.parametrize(
    "formula",
    ["__import__('os')", "x.real", "x[0]", "[x]", "x if x else x", "lambda: x", "'a'", "True", "1j", "x == x",
     "x and x", "(y := x)", "tanh(a=x)", "tanh(*x)", "not x", "~x", "x // 2", "x % 2", "x @ x", "f'{x}'",
     "{x}", "x, x"],
)  # fmt: skip
def test_nothing_but_arithmetic_is_read(formula):
    with pytest.raises(ConfigError, match="line 2"):
        found(f"x = 1\nL = {formula}")


def test_numbers_are_floats_whatever_their_size():
    (line,) = parse("L = 10**10**10")
    with np.errstate(over="ignore"):
        assert local(line.term, {})[0] == np.inf


def test_signs_as_they_are_typeset_are_read():
    assert found("x = −2\nL = 3·x × x").values[1] == 12


def test_the_order_of_lines_is_enough_for_the_way_back():
    nodes = parse(EXAMPLES["Diamond"])
    _, edges = forward(nodes)
    delta, sent = backward([False, False, False, True], edges)
    for number in range(4):
        arrived = sent[edges.nodes == number].sum()
        assert delta[number] == pytest.approx(arrived + (number == 3), rel=1e-14)


def test_the_same_lines_give_the_same_numbers_and_the_record_survives_the_store():
    one, two = found(EXAMPLES["Diamond"]), found(EXAMPLES["Diamond"])
    assert same(one, two)
    again = Record.from_bytes(one.to_bytes())
    assert (again.proof, again.answer, again.numbers) == (one.proof, one.answer, one.numbers)
    assert list(one.frame().node) == ["x", "a", "b", "L"]
