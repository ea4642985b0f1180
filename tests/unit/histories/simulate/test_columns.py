import math
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import DataError
from holdfast.histories.simulate.columns import at_hour, canonical, decimals, ids, ragged_arange, scatter, times, words


@given(st.lists(st.integers(-(10**12), 10**12), max_size=20))
@settings(max_examples=50)
def test_decimals_keep_every_cent_and_sign(cents):
    values = np.array(cents, dtype=np.float64) / 100
    assert decimals(values).to_pylist() == [Decimal(c).scaleb(-2).quantize(Decimal("0.0001")) for c in cents]


def test_decimals_pass_arrow_validation_with_nulls():
    array = decimals(np.array([1.0, math.nan, -3.25]))
    array.validate(full=True)
    assert array.to_pylist() == [Decimal("1.0000"), None, Decimal("-3.2500")]
    assert array.null_count == 1


def test_times_are_days_since_start_cut_to_seconds():
    array = times(date(2024, 2, 28), np.array([0.0, 1.5, -1.0, np.inf, np.nan]))
    assert array.to_pylist() == [datetime(2024, 2, 28), datetime(2024, 2, 29, 12), datetime(2024, 2, 27), None, None]


@given(st.lists(st.integers(0, 5), max_size=20))
@settings(max_examples=50)
def test_ragged_arange_counts_up_within_each_group(counts):
    expected = [i for count in counts for i in range(count)]
    assert ragged_arange(np.array(counts, dtype=np.int64)).tolist() == expected


def test_ids_and_words_turn_negative_codes_into_null():
    assert ids("p", np.array([3, -1]), width=4).to_pylist() == ["p0003", None]
    assert words(["a"], np.array([-1, 0])).to_pylist() == [None, "a"]


def test_scatter_stays_in_its_span_and_has_the_stated_rate():
    rng = np.random.default_rng(0)
    start = np.array([0.0, 100.0, 50.0])
    end = np.array([3000.0, 100.0, 10.0])
    span, at = scatter(rng, start, end, 6.0)
    assert set(span) == {0}
    assert ((at >= 0) & (at < 3000)).all()
    # 6 per 30 days over 3000 days: mean 600, sd 24.5; five sd
    assert abs(len(at) - 600) < 123


def test_at_hour_keeps_the_day():
    at = at_hour(np.random.default_rng(0), np.linspace(0, 50, 400), 8.0, 20.0)
    assert (np.floor(at) == np.floor(np.linspace(0, 50, 400))).all()
    assert ((at % 1 >= 8 / 24 - 1e-9) & (at % 1 <= 20 / 24)).all()


def test_canonical_refuses_unknown_and_missing_columns():
    with pytest.raises(DataError, match="email"):
        canonical("referrals", {"email": pa.array(["x"])})
    with pytest.raises(DataError, match="referred_id"):
        canonical("referrals", {"referrer_id": pa.array(["x"])})
