from datetime import date

import numpy as np
import pandas as pd
import pytest

from holdfast.errors import DataError
from holdfast.targeting.customers import FLAGS, NUMBERS, TEXTS, TIMES, is_true, prepare, texts

LEAST = pd.DataFrame(
    {
        "customer_id": ["b", "a"],
        "cutoff": [date(2024, 1, 1)] * 2,
        "p_churn": np.array([0.25, 0.5], dtype=np.float32),
        "loss_if_silent": [1, 2],
    }
)


def test_absent_columns_are_missing_not_zero():
    frame = prepare(LEAST)
    assert set(TEXTS + NUMBERS + TIMES + FLAGS) <= set(frame.columns)
    assert frame["clv"].isna().all()
    assert frame["open_complaint"].isna().all()
    assert frame["contacts_30d"].isna().all()


def test_rows_are_in_order_of_customer_and_typed():
    frame = prepare(LEAST)
    assert frame["customer_id"].tolist() == ["a", "b"]
    assert frame["p_churn"].tolist() == [0.5, 0.25]
    assert frame["cutoff"].iloc[0] == pd.Timestamp("2024-01-01")
    assert frame["loss_if_silent"].dtype == np.float64


def test_flags_may_be_objects_with_gaps():
    frame = prepare(LEAST.assign(open_complaint=pd.Series([True, None], dtype=object)))
    assert is_true(frame["open_complaint"]).tolist() == [False, True]
    assert frame["open_complaint"].isna().tolist() == [True, False]


def test_ids_that_are_numbers_become_text():
    assert prepare(LEAST.assign(customer_id=[10, 9]))["customer_id"].tolist() == ["10", "9"]


def test_texts_are_plain():
    assert texts(pd.Series(["a", None, np.nan, ""])) == ["a", None, None, ""]


@pytest.mark.parametrize("p", [-0.1, 1.1, None, float("nan")])
def test_a_score_outside_its_range_is_refused(p):
    with pytest.raises(DataError, match="p_churn of 1 customers"):
        prepare(LEAST.assign(p_churn=[0.5, p]))
