import numpy as np
import pandas as pd
import pytest

from holdfast.errors import DataError
from holdfast.evaluation.rows import as_codes, as_labels, as_money, as_pair, as_scores, list_length, number, sort_rows


def test_rows_stand_highest_score_first_ties_by_customer_then_stayers():
    y = np.array([1.0, 0.0, 1.0, 0.0, 0.0])
    p = np.array([0.2, 0.5, 0.5, 0.9, 0.5])
    code = np.array([0, 2, 1, 3, 1])
    rows = sort_rows(y, p, code)
    assert rows.order.tolist() == [3, 4, 2, 1, 0]
    assert rows.start.tolist() == [0, 1, 1, 1, 4]
    assert rows.end.tolist() == [1, 4, 4, 4, 5]


def test_empty_rows_are_allowed():
    rows = sort_rows(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.intp))
    assert rows.n == 0
    assert rows.one_class


def test_codes_follow_the_sorted_ids_whatever_their_order():
    codes, count = as_codes(pd.Series(["b", "a", "c", "a"]))
    assert codes.tolist() == [1, 0, 2, 0]
    assert count == 3


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: as_labels([0, 1, 2]), "label: row 2 is 2, expected 0 or 1"),
        (lambda: as_labels([0, float("nan")]), "label: row 1 is nan"),
        (lambda: as_scores([0.1, 1.5]), "score: row 1 is 1.5"),
        (lambda: as_scores([[0.1], [0.5]]), "expected one dimension"),
        (lambda: as_pair([0, 1], [0.5]), "label 2, score 1"),
        (lambda: as_codes(["a", None]), "row 1 has no id"),
        (lambda: as_money([1.0], 1, spend=False), "value without a spend"),
        (lambda: as_money([1.0], 2, spend=True), "value: 1 rows, expected 2"),
    ],
)
def test_bad_input_is_refused_with_the_place_and_what_was_expected(call, words):
    with pytest.raises(DataError, match=words):
        call()


def test_a_score_that_is_no_probability_may_lie_anywhere():
    assert as_scores([-3.0, 40.0], probability=False).tolist() == [-3.0, 40.0]


def test_list_length_rounds_to_the_nearest_and_never_to_nobody():
    assert [list_length(n, 0.1) for n in (1, 14, 15, 100)] == [1, 1, 2, 10]


def test_number_is_json_ready():
    assert number(np.float64(0.5)) == 0.5
    assert number(float("inf")) is None
