"""A rising class alarms, a steady one alarms at the stated rate (A8)."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from holdfast.errors import DataError
from holdfast.exits.alerts import alerts, rise, spread_of

CLASSES = ("price", "product", "service", "technology", "political")


def table(series: dict[str, list[float]], clients: float = 2000) -> pd.DataFrame:
    return pd.DataFrame(
        [(at, name, n, clients) for name, counts in series.items() for at, n in enumerate(counts)],
        columns=["period", "reason", "leavers", "clients"],
    )


def test_a8_a_planted_rise_in_service_exits_alerts() -> None:
    """A8: 20 service leavers a period become 50: ratio 50 / 20 = 2.5; the others stay where they were."""
    rng = np.random.default_rng(0)
    counts = {name: rng.poisson(20, 8).astype(float).tolist() for name in CLASSES}
    counts["service"] = [20.0] * 7 + [50.0]
    found = alerts(table(counts), CLASSES).set_index("reason")
    assert found.loc["service", "ratio"] == pytest.approx(2.5)
    assert found["alert"].to_dict() == {name: name == "service" for name in CLASSES}
    low, high = found.loc["service", ["ratio_low", "ratio_high"]]
    assert low < 2.5 < high


def test_a8_false_alarms_stay_within_the_stated_rate() -> None:
    """A8: 5 % per look over five classes, by chance alone and where periods swing twice as much as chance."""
    rng = np.random.default_rng(1)
    for spread in (1, 2):
        looks = 300
        hits = 0
        for _ in range(looks):
            level = rng.gamma(20 / (spread - 1), spread - 1, (5, 8)) if spread > 1 else np.full((5, 8), 20.0)
            counts = dict(zip(CLASSES, rng.poisson(level).astype(float).tolist(), strict=True))
            hits += bool(alerts(table(counts), CLASSES)["alert"].any())
        # more alarms than 5 % of looks would make with probability 1 in 1,000
        assert binomtest(hits, looks, 0.05, alternative="greater").pvalue > 0.001, (spread, hits)


def test_a8_a_rate_that_always_swings_does_not_alarm_at_a_swing() -> None:
    """A8: 10 and 30 in turn, then 30 again: chance alone would alarm, the own spread does not."""
    swings = [10.0, 30.0, 10.0, 30.0, 10.0, 30.0, 10.0, 30.0]
    clients = [1000.0] * 8
    assert rise(swings, clients).p_value < 0.02
    assert rise(swings, clients, spread_of([(swings, clients)])).p_value > 0.1


def test_a8_the_exact_test_by_hand() -> None:
    """1 + 1 before, 3 now, equal clients: P(X >= 3 of 5 | 1/3) = (40 + 10 + 1) / 243."""
    # C(5,3) 2^2 = 40, C(5,4) 2 = 10, C(5,5) = 1, over 3^5
    assert rise([1, 1, 3], [100, 100, 100]).p_value == pytest.approx(51 / 243)


def test_a8_few_leavers_are_no_alert_and_short_histories_say_nothing() -> None:
    counts = {"service": [0.0] * 7 + [4.0]}
    assert not alerts(table(counts), ["service"])["alert"].any()
    assert alerts(table({"service": [1.0, 30.0]}), ["service"]).empty


@pytest.mark.parametrize(("leavers", "clients"), [([1, 2], [9, 9]), ([1, 2, 3], [9, 0, 9]), ([1, 2, 10], [9, 9, 9])])
def test_what_cannot_be_compared_is_refused(leavers: list[int], clients: list[int]) -> None:
    with pytest.raises(DataError, match="three periods or more"):
        rise(leavers, clients)
