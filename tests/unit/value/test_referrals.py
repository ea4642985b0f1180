from datetime import date

import numpy as np
import pandas as pd
import pytest

from holdfast.value.referrals import referral_value

AT = date(2024, 7, 1)


def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    referrals = pd.DataFrame({
        "referrer_id": ["a", "a", "b", "c"], "referred_id": ["x", "y", "z", "late"],
        "at": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-06-15", "2024-08-01"]),
    })  # fmt: skip
    purchases = pd.DataFrame({
        "customer_id": ["x", "x", "y", "z", "late", "x"],
        "at": pd.to_datetime(["2024-01-05", "2024-03-31", "2024-02-01", "2024-06-20", "2024-08-02", "2024-04-20"]),
        "amount": [100.0, 50.0, 30.0, 999.0, 999.0, 999.0],
    })  # fmt: skip
    return referrals, purchases


def test_the_first_days_of_those_who_could_be_watched() -> None:
    # 100 days after 1 January: 100 + 50; y: 30; z was referred 16 days ago, late is not known yet: (180 x .3) / 2 = 27
    found = referral_value(*frames(), AT, 100, 0.3, customer_years=10.0)
    assert found.per_referral == pytest.approx(27.0)
    assert (found.n_referrals, found.n_watched, found.mean_rate) == (3, 2, 0.3)


def test_nothing_at_or_after_the_cutoff_is_read() -> None:
    referrals, purchases = frames()
    known = (referrals[referrals["at"] < "2024-07-01"], purchases[purchases["at"] < "2024-07-01"])
    assert referral_value(*known, AT, 100, 0.3, 10.0) == referral_value(*frames(), AT, 100, 0.3, 10.0)


def test_own_referrals_are_shrunk_to_the_rate_of_all() -> None:
    found = referral_value(*frames(), AT, 100, 0.3, customer_years=10.0)
    # (made + .3 x 1) / (years + 1), over half a year
    assert found.expected(np.array([2.0, 0.0]), np.array([1.0, 4.0]), 182.5).tolist() == pytest.approx([0.575, 0.03])


def test_without_a_referral_to_watch_the_value_is_unknown() -> None:
    referrals, purchases = frames()
    assert np.isnan(referral_value(referrals.iloc[2:], purchases, AT, 100, 0.3, 10.0).per_referral)
