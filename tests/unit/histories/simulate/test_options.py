import numpy as np
import pandas as pd
import pytest

from holdfast.errors import ConfigError
from holdfast.histories.simulate.causes import intensity
from holdfast.histories.simulate.options import PRICE, SERVICE, Clock, WorldOptions
from holdfast.histories.simulate.purchases import season
from holdfast.histories.simulate.world import simulate


def _exits(world, since=0.0):
    exits = world.truth["customers"].column("exit_at").to_pandas().dropna()
    start = pd.Timestamp(2025, 1, 1) - pd.Timedelta(730, unit="D")
    return (exits >= start + pd.Timedelta(730 * since, unit="D")).sum()


@pytest.mark.parametrize(
    "wrong", [{"season_strength": 1.0}, {"imitation": 1.5}, {"exit_rate": -1.0}, {"competitor_shock_at": 2.0}]
)
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        WorldOptions(**wrong)


def test_a_world_without_exits_has_none():
    world = simulate(300, options=WorldOptions(exit_rate=0.0, trial_share=0.0))
    causes = world.truth["customers"].column("exit_cause").to_pandas().dropna()
    # the newsletter still drives some away, and nothing else does
    assert set(causes) <= {"service"}
    assert len(causes) < 20


def test_a_competitor_shock_raises_price_exits_after_it():
    quiet = simulate(4000, seed=1, options=WorldOptions(trial_share=0.0))
    shock = simulate(4000, seed=1, options=WorldOptions(trial_share=0.0, competitor_shock_at=0.5, shock_factor=4.0))
    price = [(world.truth["customers"].column("exit_cause").to_pandas() == "price").sum() for world in (quiet, shock)]
    assert price[1] > 1.4 * price[0]
    index = shock.tables["market"].to_pandas().query("signal == 'competitor_price_index'")
    late = index["at"] > index["at"].median()
    assert index.value[late].mean() < index.value[~late].mean() - 0.1


def test_drift_moves_exits():
    calm, rising = (simulate(3000, seed=1, options=WorldOptions(trial_share=0.0, drift=drift)) for drift in (0.0, 1.0))
    assert _exits(rising, 0.5) > 1.5 * _exits(calm, 0.5)


def test_share_of_subscriptions():
    none = simulate(200, options=WorldOptions(subscription_share=0.0))
    assert "contracts" not in none.tables
    everybody = simulate(200, options=WorldOptions(subscription_share=1.0))
    assert everybody.tables["contracts"].column("customer_id").to_pandas().nunique() > 180


def test_intensity_steps_at_the_shock_and_spares_members():
    options = WorldOptions(competitor_shock_at=0.5, shock_factor=3.0, drift=0.0)
    clock = Clock.ending(options.end, 24)
    days = np.array([100.0, 600.0])
    assert intensity(PRICE, False, days, clock, options).tolist() == [1.0, 3.0]
    # members of the points programme: 15 % fewer price onsets
    assert intensity(PRICE, True, days, clock, options) == pytest.approx([0.85, 2.55])
    assert intensity(SERVICE, True, days, clock, options).tolist() == [1.0, 1.0]


def test_season_has_mean_one_and_the_stated_amplitude():
    clock = Clock.ending(WorldOptions().end, 24)
    wave = season(np.arange(0.0, 365.25, 0.25), 0, clock, 0.3)
    assert wave.mean() == pytest.approx(1.0, abs=1e-6)
    assert (wave.max(), wave.min()) == (pytest.approx(1.3, abs=1e-3), pytest.approx(0.7, abs=1e-3))
