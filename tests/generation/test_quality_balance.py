"""Claims about brackets, quotes, environments and Python: what the cut is to blame for is told from what is wrong."""

from __future__ import annotations

import ast
import math
import re
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore.generation.quality.balance import brackets, environments, quotes
from rnncore.generation.quality.parsing import parses


def cancelled(sample: str) -> float:
    """Take out neighbouring partners with a search, again and again."""
    marks = re.sub(r"[^()\[\]{}“”«»‹›]", "", sample)
    left, before = marks, ""
    while left != before:
        before = left
        left = re.sub(r"\(\)|\[\]|\{\}|“”|«»|‹›", "", left)
    return 1 - len(left) / len(marks) if marks else math.nan


@given(st.text("([{)]}“”a ", max_size=40))
def test_brackets_are_balanced_where_partners_cancel(sample):
    assert brackets(sample) == pytest.approx(cancelled(sample), nan_ok=True)


@pytest.mark.parametrize(
    ("sample", "share"),
    [
        ("f(a[1], {2: 3})", 1.0),
        ("([)]", 0.0),
        (") begun before, (whole) and ( open", 0.5),
        ("((((", 0.0),
        ("“yes”, she said", 1.0),
    ],
)
def test_brackets_worked_out_by_hand(sample, share):
    assert brackets(sample) == share


@pytest.mark.parametrize(
    ("middle", "share"),
    [
        ('he said "yes" and "no"', 1.0),
        ('he said "yes', 0.0),
        ('"one"\n"two\nthree"', 1 / 3),
        ("``quoted''", 1.0),
        ("``quoted", 0.0),
        ('x = "a\\"b"', 1.0),
        ('"""Docstring."""', math.nan),
        ("no quotes, don't you think", math.nan),
    ],
)
def test_quotes_come_in_pairs_within_a_line(middle, share):
    assert quotes(f'cut "off\n{middle}\ncut "off') == pytest.approx(share, nan_ok=True)


def test_quotes_of_a_line_that_may_be_cut_are_not_judged():
    assert math.isnan(quotes('a "quote'))
    assert math.isnan(quotes('a "quote\nand" "another'))


@pytest.mark.parametrize(
    ("sample", "share"),
    [
        (r"\begin{proof} x \end{proof}", 1.0),
        (r"\begin{proof} \begin{align} \end{align} \end{proof}", 1.0),
        (r"\begin{proof} \begin{align} \end{proof} \end{align}", 0.0),
        (r"\begin{lemma} \end{proof}", 0.0),
        (r"\begin{a}\end{a} \begin{a}\end{b}", 0.5),
        (r"\end{lemma} \begin{proof} \end{proof} \begin{lemma}", 1.0),  # cut at both ends
        (r"\end{lemma} text \begin{proof}", math.nan),
        (r"\begin {proof} \end {proof}", 1.0),
        (r"\begin{proof \end{proof", math.nan),
        ("", math.nan),
    ],
)
def test_environments_close_what_is_open(sample, share):
    assert environments(sample) == pytest.approx(share, nan_ok=True)


GOOD = [
    "x = 1\ny = f(x)\n",
    "def f(a, b=2):\n    return a + b\n",
    "        self.x = 1\n        return self.x\n\n    def g(self):\n        pass\n\nclass C:\n    z = 3\n",
    5 * "        a = 1\n" + "    except ValueError:\n        b = 2\n" + 5 * "    c = 3\n",  # from within a try
    "        a = 1\n    else:\n        b = 2\n",
    "for x in y:\n    print(x)\n    total += (x *\n              2)\n",
    "a = 1\nb = 2\nc = 3\ndef f(x):\n",  # the last statement goes on behind the cut
    "     more=2)\na = 1\nb = 2\nc = 3\n",  # the first one began before it
    "if a is 1:\n    print('\\d')\n",  # Python warns of both
]
BAD = [
    "x = = 1\ny = 2 2\nfor in x\nreturn (\n",
    "def f(:\n    retrun x y\nclass 3:\n    pass pass\n",
    "if x:\n  a = 1\n    b = 2\n c = 3\nd e f\n",
    "the king of france\nis bald , they say\nand so am i\nsaid he\n",
]


@pytest.mark.parametrize("source", GOOD)
def test_python_that_was_only_cut_parses(source):
    assert parses(f"t_off = 3\n{source}cut of") == 1


@pytest.mark.parametrize("source", BAD)
def test_python_with_errors_in_it_does_not_parse(source):
    assert parses(f"t_off = 3\n{source}cut of") == 0


@pytest.mark.parametrize("source", ["", "\n\n", "# a comment\n\n    # another\n", "word\n", "'text'\n17\n"])
def test_where_there_is_nothing_to_parse_nothing_is_said(source):
    assert math.isnan(parses(f"first\n{source}last"))


def test_no_more_than_half_of_the_lines_and_four_at_each_end_may_be_left_out():
    wrong, right = "= = =\n", "x = 1\n"
    assert parses("cut\n" + 4 * wrong + 8 * right + 4 * wrong + "cut") == 1
    assert parses("cut\n" + 5 * wrong + 20 * right + "cut") == 0
    assert parses("cut\n" + 2 * wrong + 2 * right + "cut") == 1
    assert parses("cut\n" + 2 * wrong + 1 * right + "cut") == 0
    assert parses("cut\n" + 8 * right + wrong + 8 * right + "cut") == 0


@given(
    st.lists(st.sampled_from(["x = 1", "  y", "if x:", "    z()", "else:", ")", "def f(a):", "  return 2"]), max_size=7)
)
def test_whatever_parses_at_once_parses_and_bad_text_never_raises(lines):
    sample = "\n".join(["cut", *lines, "cut"])
    found = parses(sample)
    assert found in (0, 1) or math.isnan(found)
    try:
        tree = ast.parse(textwrap.dedent("\n".join(lines)))
    except SyntaxError:
        return
    telling = [
        n for n in tree.body if not isinstance(n, ast.Expr | ast.If) or "=" in ast.unparse(n) or "(" in ast.unparse(n)
    ]
    if telling:
        assert found == 1
    elif not tree.body:
        assert math.isnan(found)


@pytest.mark.parametrize("sample", ["\x00", "a\n\x00 = 1\nb", "a\n" + "(" * 300 + "\nb", "a\n" + "\n" * 500 + "b"])
def test_noise_is_only_noise(sample):
    assert parses(sample) != 1
