import numpy as np
import pandas as pd
import pytest

from holdfast.value.backtest import backtest
from holdfast.value.loss import LossSettings, fit_loss

from .worlds import history

QUICK = LossSettings(resamples=10)


def test_on_a_stable_world_prediction_and_outcome_agree():
    model = fit_loss(history(n=8000, seed=1), 100, QUICK)
    found = backtest(model, history(n=8000, seed=2, cutoff="2024-07-01"), resamples=200)
    assert found.ratio == pytest.approx(1.0, abs=0.1)
    inner = found.deciles.iloc[1:9]
    np.testing.assert_allclose(inner["predicted"], inner["actual"], rtol=0.2)


def test_a_loss_that_is_promised_twice_too_high_is_seen():
    model = fit_loss(history(n=4000, seed=1), 100, QUICK)
    # promised 100 - 30 = 70 days' worth; later the active bring 65: 35 is left
    later = backtest(model, history(n=4000, seed=2, stay_days=65), resamples=200)
    assert later.ratio == pytest.approx(2.0, abs=0.25)
    assert later.ratio_low > 1.5
    assert (later.deciles["predicted"] > later.deciles["high"]).sum() >= 8


def test_deciles_are_even_and_rise():
    found = backtest(fit_loss(history(seed=1), 100, QUICK), history(n=1003, seed=2), resamples=20)
    assert found.deciles["n"].sum() == found.n == 1003
    assert found.deciles["n"].between(100, 101).all()
    assert found.deciles["n_silent"].sum() == found.n_silent
    assert found.deciles["predicted"].is_monotonic_increasing
    assert list(found.deciles) == ["decile", "n", "n_silent", "predicted", "actual", "low", "high"]


def test_by_hand():
    rows = pd.DataFrame(
        {
            "customer_id": list("abcd"), "cutoff": pd.Timestamp("2024-01-01"), "silent": [0, 1, 0, 1],
            "past_margin_per_day": [1.0, 1.0, 2.0, 2.0], "future_margin": [50.0, 10.0, 90.0, 30.0],
        }
    )  # fmt: skip
    model = fit_loss(rows, 100, QUICK)  # ratio: active 140/3, silent 40/3 -> 100/3 per unit of past margin
    found = backtest(model, rows, resamples=50, groups=2)
    assert found.deciles["predicted"].tolist() == pytest.approx([100 / 3, 200 / 3])
    assert found.deciles["actual"].tolist() == pytest.approx([40.0, 60.0])  # 50 - 10, 90 - 30
    assert found.ratio == pytest.approx(1.0)  # (2 x 33.3 + 2 x 66.7) / (2 x 40 + 2 x 60) = 200 / 200
    assert (found.deciles["low"] <= found.deciles["actual"]).all()


def test_strata_keep_a_wide_tenth_from_comparing_large_active_with_small_silent():
    # One group over everyone: the active have far more past margin, so the plain difference of means overstates.
    rows = history(n=6000, seed=3, noise=0.1)
    plain = (
        rows.loc[rows["silent"] == 0, "future_margin"].mean() - rows.loc[rows["silent"] == 1, "future_margin"].mean()
    )
    truth = 70 * rows["past_margin_per_day"].mean()
    found = backtest(fit_loss(rows, 100, QUICK), rows, resamples=10, groups=1).deciles["actual"].iloc[0]
    assert abs(found - truth) < 0.5 * abs(plain - truth)


def test_a_tenth_without_silent_customers_is_not_measured():
    rows = history(n=500, seed=1)
    large = rows["past_margin_per_day"] > rows["past_margin_per_day"].quantile(0.85)
    found = backtest(fit_loss(rows, 100, QUICK), rows[~(large & (rows["silent"] == 1))], resamples=20)
    assert np.isnan(found.deciles["actual"].iloc[-1])
    assert np.isfinite(found.ratio)


def test_same_input_same_figures_whatever_the_order_of_rows():
    model, rows = fit_loss(history(n=500), 100, QUICK), history(n=500, seed=5)
    first, second = backtest(model, rows, resamples=20), backtest(model, rows.iloc[::-1], resamples=20)
    pd.testing.assert_frame_equal(first.deciles, second.deciles, check_exact=True)
    assert first.ratio == second.ratio
