"""Survival by cohort (A2)."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter

from holdfast.errors import DataError
from holdfast.evaluation.cohorts import cohort_survival

lives = st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1, max_size=60)


@settings(max_examples=30)
@given(lives)
def test_a2_survival_and_its_interval_are_those_of_the_reference(rows: list[tuple[int, bool]]) -> None:
    """A2: the curve and Greenwood's interval agree with lifelines at every age that can be watched."""
    days, ended = (pd.Series(column) for column in zip(*rows, strict=True))
    ages = [age for age in range(0, 51, 5) if age <= days.max()]
    found = cohort_survival(pd.Series("a", index=days.index), days.astype(float), ended, range(0, 51, 5))
    own = found[found["cohort"] == "a"]
    assert own["age_days"].tolist() == ages
    fitted = KaplanMeierFitter().fit(days, ended)
    assert np.allclose(own["survival"], fitted.survival_function_at_times(ages))
    inner = ((own["survival"] > 0) & (own["survival"] < 1)).to_numpy()
    bounds = fitted.confidence_interval_survival_function_
    for age, low, high in own.loc[inner, ["age_days", "low", "high"]].itertuples(index=False):
        reference = bounds.loc[bounds.index[bounds.index <= age].max()].to_numpy()
        assert (low, high) == pytest.approx(tuple(reference), abs=1e-6)


@given(lives)
def test_a2_survival_never_rises_and_counts_who_is_watched(rows: list[tuple[int, bool]]) -> None:
    """A2: nobody comes back to life, and who is at risk at an age is whoever was watched that long."""
    days, ended = (pd.Series(column) for column in zip(*rows, strict=True))
    found = cohort_survival(pd.Series("a", index=days.index), days.astype(float), ended, range(0, 51, 7))
    whole = found[found["cohort"] == "all"]
    assert (whole["survival"].diff().dropna() <= 1e-12).all()
    assert whole["at_risk"].tolist() == [int((days >= age).sum()) for age in whole["age_days"]]


def test_an_end_before_the_beginning_is_refused() -> None:
    with pytest.raises(DataError, match="1 customers end before they join"):
        cohort_survival(pd.Series(["a"]), pd.Series([-1.0]), pd.Series([True]), [0])
