"""The level as a time series: activity is measured right, a season is foretold, and without one nothing is claimed."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from holdfast.btyd.bgnbd import BgNbd, fit_bgnbd
from holdfast.learners.activity import (
    PurchaseDays,
    States,
    activity_shift,
    log_activity,
    repeat_share,
    silence_share,
)
from holdfast.windows import Span, shift

ORIGIN = date(2020, 1, 1)
MODEL = BgNbd(0.8, 6.0, 0.9, 2.5, 0.0, True, 1000)
SPAN = Span(120, 0, 60)


def states(n: int = 400, seed: int = 1) -> States:
    rng = np.random.default_rng(seed)
    x = rng.poisson(2, n).astype(float)
    age = rng.integers(100, 400, n).astype(float)
    return States(np.arange(n), x, np.where(x > 0, np.floor(age * rng.random(n)), 0.0), age)


def shop(years: float, season: float, seed: int = 3, n: int = 2500) -> pd.DataFrame:
    """Customers with rates of their own who buy by a yearly wave and never drop out."""
    rng = np.random.default_rng(seed)
    days = int(365 * years)
    rate = rng.gamma(1.5, 1 / 60, n)
    wave = 1 + season * np.cos(2 * np.pi * np.arange(days) / 365)
    customer, day = np.nonzero(rng.random((n, days)) < np.minimum(rate[:, None] * wave, 1))
    at = pd.Timestamp(ORIGIN) + pd.to_timedelta(day, unit="D")
    return pd.DataFrame({"customer_id": [f"c{k:05d}" for k in customer], "at": at})


def decide(frame: pd.DataFrame, cutoff: date, span: Span = SPAN):
    """Decision, raw log odds (the level of the training windows) and the true share at the cutoff."""
    known = PurchaseDays.of(frame[frame["at"] < pd.Timestamp(cutoff)], ORIGIN)
    everything = PurchaseDays.of(frame, ORIGIN)

    def rate(at: date) -> float:
        day = everything.day(at)
        return everything.silent_share(everything.at(day, span.lookback).rows, day, day + span.horizon)

    trained = {at: rate(at) for at in (shift(cutoff, -span.horizon * k) for k in range(1, 4))}
    who = known.at(known.day(cutoff))
    model = fit_bgnbd(who.x, who.t_x, who.age)
    raw = np.full(500, np.log(np.mean(list(trained.values())) / (1 - np.mean(list(trained.values())))))
    share = silence_share(span.horizon)
    return activity_shift(known, model, cutoff, span, share, trained, raw), raw, rate(cutoff)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    rows=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 80)), min_size=1, max_size=40),
    cutoff=st.integers(1, 81), lookback=st.one_of(st.none(), st.integers(1, 60)),
)  # fmt: skip
def test_states_are_those_of_a_plain_loop(rows, cutoff, lookback) -> None:
    frame = pd.DataFrame(rows, columns=["customer_id", "day"]).astype({"customer_id": str})
    frame = frame.assign(at=pd.Timestamp(ORIGIN) + pd.to_timedelta(frame["day"], unit="D"))
    found = PurchaseDays.of(frame, ORIGIN).at(cutoff, lookback)
    expected = []
    for _, own in sorted(frame.groupby("customer_id")):
        days = sorted({day for day in own["day"] if day < cutoff})
        if days and (lookback is None or days[-1] >= cutoff - lookback):
            expected.append((len(days) - 1, days[-1] - days[0], cutoff - days[0]))
    assert list(zip(found.x, found.t_x, found.age, strict=True)) == expected


def test_silent_share_counts_the_half_open_window() -> None:
    frame = pd.DataFrame({"customer_id": list("aab"), "at": pd.to_datetime(["2020-01-02", "2020-01-10", "2020-01-03"])})
    days = PurchaseDays.of(frame, ORIGIN)
    rows = days.at(5).rows
    assert days.silent_share(rows, 5, 9) == 1.0
    assert days.silent_share(rows, 5, 10) == 0.5
    assert days.silent_share(rows, 10, 20) == 1.0, "the tenth of January is day 9"


@pytest.mark.parametrize("share", [silence_share(60), repeat_share(2, 30, 2), repeat_share(3, 20, 1)])
@pytest.mark.parametrize("factor", [0.4, 1.0, 2.5])
def test_activity_is_the_factor_that_made_the_share(share, factor) -> None:
    who = states()
    assert log_activity(MODEL, who, share, share(MODEL, who, factor)) == pytest.approx(np.log(factor), abs=1e-3)


def test_too_few_customers_have_no_activity_and_impossible_rates_end_at_the_edge() -> None:
    assert np.isnan(log_activity(MODEL, states(99), silence_share(60), 0.5))
    assert log_activity(MODEL, states(), silence_share(1), 0.0) == 3.0
    assert log_activity(MODEL, states(), silence_share(4000), 1.0) == -3.0


def test_repeat_share_is_what_draws_from_the_model_give() -> None:
    rng = np.random.default_rng(5)
    who = States(np.arange(1), np.array([4.0]), np.array([180.0]), np.array([200.0]))
    rate = rng.gamma(MODEL.r + 4, 1 / (MODEL.alpha + 200 / 7), 200_000)
    active = (rng.random((200_000, 3)) < (1 - np.exp(-rate * 30 / 7))[:, None]).sum(1) >= 2
    alive = MODEL.p_alive(who.x, who.t_x, who.age)[0]
    assert repeat_share(3, 30, 2)(MODEL, who, 1.0) == pytest.approx(alive * active.mean(), abs=0.004)
    # every period of one: the complement of silence among those alive
    silent = 1 - repeat_share(1, 60, 1)(MODEL, who, 1.0)
    assert silent == pytest.approx(MODEL.p_no_purchase(who.x, who.t_x, who.age, 60)[0], rel=1e-9)


def test_a_season_that_was_seen_before_is_foretold() -> None:
    frame = shop(3.4, 0.7)
    misses = []
    for month in (3, 6, 9, 12):
        decision, raw, truth = decide(frame, date(2022, month, 1))
        assert decision.applied, decision.reason
        misses.append((abs(expit(raw).mean() - truth), abs(expit(raw + decision.shift).mean() - truth)))
    before, after = np.mean(misses, axis=0)
    assert after < before / 3


def test_without_a_season_or_a_second_year_nothing_is_claimed() -> None:
    quiet, _, _ = decide(shop(3.4, 0.0), date(2022, 6, 1))
    assert not quiet.applied
    assert quiet.shift == 0.0
    young, _, _ = decide(shop(1.2, 0.7), date(2020, 12, 1))
    assert young.reason == "raw level kept: the history does not reach back one year from the scoring date"
    few, _, _ = decide(shop(1.6, 0.7), date(2021, 5, 1))
    assert "are needed" in few.reason


def test_the_decision_sees_nothing_at_or_after_the_cutoff() -> None:
    frame = shop(2.8, 0.7)
    cutoff = date(2022, 6, 1)
    later = frame.assign(at=frame["at"].where(frame["at"] < pd.Timestamp(cutoff), pd.Timestamp("2022-08-01")))
    assert decide(frame, cutoff)[0] == decide(later, cutoff)[0]
