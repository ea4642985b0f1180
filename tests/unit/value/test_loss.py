import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import DataError
from holdfast.value.loss import LossModel, LossSettings, discount_factor, fit_loss

from .worlds import history

QUICK = LossSettings(resamples=20)


def table(silent, past, future):
    names = [f"c{k:04d}" for k in range(len(past))]
    return pd.DataFrame(
        {
            "customer_id": names, "cutoff": pd.Timestamp("2024-01-01"), "silent": silent,
            "past_margin_per_day": past, "future_margin": future,
        }
    )  # fmt: skip


def two_steps():
    """60 active and 60 silent at a past margin of 1, as many at 3, without any noise."""
    return table(
        silent=([0] * 60 + [1] * 60) * 2,
        past=[1.0] * 120 + [3.0] * 120,
        future=[90.0] * 60 + [10.0] * 60 + [300.0] * 60 + [40.0] * 60,
    )


def test_curves_by_hand():
    model = fit_loss(two_steps(), 100, QUICK)
    assert model.method == "curves"
    # at 1: 90 - 10 = 80; at 3: 300 - 40 = 260; half-way 170; outside flat, nothing extrapolated
    assert model.predict([1.0, 3.0, 2.0, 0.0, 99.0]).tolist() == pytest.approx([80, 260, 170, 80, 260])
    assert (model.mean_active, model.mean_silent) == (195.0, 25.0)  # (90+300)/2, (10+40)/2
    assert (model.n_active, model.n_silent, model.horizon_days) == (120, 120, 100)


def test_ratio_by_hand():
    rows = table(silent=[0, 0, 1, 1], past=[1.0, 3.0, 2.0, 2.0], future=[80.0, 240.0, 40.0, 0.0])
    model = fit_loss(rows, 100, QUICK)
    # active 320/4 = 80 days' worth, silent 40/4 = 10; 80 - 10 = 70 per unit of past margin, flat above 3
    assert model.method == "ratio"
    assert model.predict([0.0, 1.0, 3.0, 50.0]).tolist() == pytest.approx([0, 70, 210, 210])
    assert model.predict([-4.0]).tolist() == [0.0]


def test_fewer_than_fifty_silent_take_the_ratio():
    rows = history(n=400)
    silent = rows[rows["silent"] == 1]
    short = pd.concat([rows[rows["silent"] == 0], silent.iloc[:49]])
    assert fit_loss(short, 100, QUICK).method == "ratio"
    assert fit_loss(pd.concat([short, silent.iloc[49:50]]), 100, QUICK).method == "curves"


def test_one_past_margin_for_all_takes_the_ratio():
    rows = two_steps().assign(past_margin_per_day=2.0)
    model = fit_loss(rows, 100, QUICK)
    assert model.method == "ratio"
    assert model.predict([2.0]).tolist() == pytest.approx([170.0])  # 195 - 25


def test_without_any_past_margin_the_difference_of_the_means_serves_all():
    rows = two_steps().assign(past_margin_per_day=0.0)
    model = fit_loss(rows, 100, QUICK)
    assert model.method == "mean"
    assert model.predict([0.0, 5.0]).tolist() == pytest.approx([170.0, 170.0])


@pytest.mark.parametrize("n", [60, 3000])
def test_equal_groups_lose_nothing(n):
    rows = history(n=n, stay_days=50, left_days=50, noise=0)
    model = fit_loss(rows, 100, LossSettings(resamples=20, winsor=1.0))
    # the two curves agree up to the width of their bins, a few per cent of the 50 days' worth
    rate = rows["past_margin_per_day"]
    assert model.predict(rate).sum() < 0.1 * 50 * rate.sum()


def test_exactly_equal_curves_lose_exactly_nothing():
    active = history(n=600)
    both = pd.concat([active.assign(silent=0), active.assign(silent=1)], ignore_index=True)
    model = fit_loss(both, 100, QUICK)
    assert model.method == "curves"
    assert model.predict(active["past_margin_per_day"]).max() == 0.0


def test_silent_that_bring_more_than_the_active_lose_nothing_rather_than_less():
    model = fit_loss(history(stay_days=10, left_days=60), 100, QUICK)
    assert model.predict([0.1, 1.0, 30.0]).tolist() == [0.0, 0.0, 0.0]


def test_a_known_loss_is_recovered():
    """A5: loss if silent is the margin of the active less that of the silent."""
    rows = history(n=20_000)
    model = fit_loss(rows, 100, QUICK)
    rate = np.quantile(rows["past_margin_per_day"], [0.1, 0.25, 0.5, 0.75, 0.9])
    np.testing.assert_allclose(model.predict(rate), 70 * rate, rtol=0.15)  # 100 - 30 days' worth


def test_interval_holds_the_estimate_and_mostly_the_truth():
    held = []
    for seed in range(12):
        model = fit_loss(history(n=1500, seed=seed), 100, LossSettings(resamples=60, seed=seed))
        low, high = model.interval([0.5, 1.0, 2.0])
        estimate = model.predict([0.5, 1.0, 2.0])
        assert ((low <= estimate) & (estimate <= high)).all()
        held += list((low <= 70 * np.array([0.5, 1, 2])) & (70 * np.array([0.5, 1, 2]) <= high))
    assert np.mean(held) > 0.7


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(20, 500), left=st.floats(0, 120), noise=st.floats(0, 1.5))
def test_larger_past_margin_never_gives_smaller_loss_and_none_is_negative(seed, n, left, noise):
    rows = history(n=n, seed=seed, left_days=left, noise=noise)
    if rows["silent"].nunique() < 2:
        return
    model = fit_loss(rows, 100, LossSettings(resamples=5))
    ladder = np.linspace(-2, 50, 200)
    for height in (model.predict(ladder), *model.interval(ladder)):
        assert (np.diff(height) >= -1e-9).all()
        assert (height >= 0).all()


def test_a_heavy_tail_is_cut_for_both_groups_alike():
    rows = two_steps()
    rows.loc[0, "future_margin"] = 1e9
    model = fit_loss(rows, 100, QUICK)
    # 240 rows: the 99.5 % quantile, upwards, is the second largest: 300
    assert model.cut_high == 300.0
    assert model.mean_active < 200


def test_discounting_by_hand():
    # two years at 50 %: mean of 1.5 ** -(t/365) over t = 1..730 = (1 - 1.5**-2) / (365 (1.5**(1/365) - 1)) / 2
    expected = (1 - 1.5**-2) / (365 * (1.5 ** (1 / 365) - 1)) / 2
    assert discount_factor(0.5, 730) == pytest.approx(expected, rel=1e-9)
    model = fit_loss(two_steps(), 730, LossSettings(discount_rate=0.5, resamples=5))
    assert model.predict([1.0]).tolist() == pytest.approx([80 * expected])
    assert model.factor == pytest.approx(expected)


def test_row_order_changes_no_bit_and_the_input_stays_as_it_was():
    rows = history(n=800)
    before = rows.copy()
    assert fit_loss(rows, 100, QUICK) == fit_loss(rows.sample(frac=1, random_state=1), 100, QUICK)
    pd.testing.assert_frame_equal(rows, before)


def test_a_customer_at_several_cutoffs_is_resampled_as_one():
    rows = history(n=300)
    single = fit_loss(rows, 100, LossSettings(resamples=200))
    repeated = pd.concat([rows.assign(cutoff=pd.Timestamp(2024, month, 1)) for month in range(1, 6)])
    one_more_time = fit_loss(repeated, 100, LossSettings(resamples=200))
    own = one_more_time.interval([1.0])[1] - one_more_time.interval([1.0])[0]
    # five copies of a customer are no more evidence than one: treated as five the width would fall by sqrt(5) = 2.2
    assert own > 0.6 * (single.interval([1.0])[1] - single.interval([1.0])[0])


def test_json_round_trip_is_exact():
    model = fit_loss(history(n=500), 100, QUICK)
    assert LossModel.from_dict(json.loads(json.dumps(model.to_dict()))) == model


def test_unknown_past_margin_stays_unknown():
    assert np.isnan(fit_loss(two_steps(), 100, QUICK).predict([np.nan])).all()


def test_table_has_the_columns_that_the_list_reads():
    assert list(fit_loss(two_steps(), 100, QUICK).table([1.0])) == ["loss_if_silent", "loss_low", "loss_high"]


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        (lambda rows: rows.drop(columns="silent"), "'silent' is missing"),
        (lambda rows: rows.assign(silent=0), "no silent customer"),
        (lambda rows: rows.assign(silent=1), "no active customer"),
        (lambda rows: rows.assign(future_margin=np.inf), "future_margin"),
        (lambda rows: rows.assign(past_margin_per_day=np.nan), "past_margin_per_day"),
    ],
)
def test_histories_that_cannot_serve_are_named(broken, word):
    with pytest.raises(DataError, match=word):
        fit_loss(broken(two_steps()), 100, QUICK)
