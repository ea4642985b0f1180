import numpy as np
import pytest
from scipy.stats import spearmanr

from holdfast.value.choice import decile_table, judge, spearman, winsorised_error


def world(n: int = 3000, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mean = rng.gamma(1.5, 20, n)
    return mean, np.where(rng.random(n) < 0.6, rng.gamma(2, mean / 1.2), 0.0)


def test_the_better_estimate_is_chosen_and_a_tie_goes_to_the_first() -> None:
    mean, came = world()
    noisy = mean * np.exp(np.random.default_rng(1).normal(0, 1, len(mean)))
    assert judge({"noisy": noisy, "right": mean}, came, resamples=20).chosen == "right"
    assert judge({"first": mean, "second": mean * 1.0001}, came, resamples=20).chosen == "first"
    assert judge({"unknown": np.full(len(mean), np.nan), "right": mean}, came, resamples=20).chosen == "right"


def test_a_ranking_is_judged_as_a_ranking_only() -> None:
    mean, came = world()
    table = judge({"right": mean}, came, {"rank": mean**3}, resamples=20).table.set_index("method")
    assert np.isnan(table.loc["rank", "error"])
    assert table.loc["rank", "spearman"] == table.loc["right", "spearman"]
    assert table.loc["rank", "top_decile_share"] == table.loc["right", "top_decile_share"]
    assert table.loc["right", "spearman_low"] < table.loc["right", "spearman"] < table.loc["right", "spearman_high"]


def test_deciles_hold_everybody_once_and_intervals_hold_the_truth() -> None:
    mean, came = world()
    table = decile_table(mean, came, seed=0)
    assert table["n"].sum() == len(mean)
    assert (table["predicted"].diff().dropna() > 0).all()
    assert (table["predicted"] * table["n"]).sum() == pytest.approx(mean.sum())
    assert ((table["low"] <= 1) & (table["high"] >= 1)).sum() >= 9


def test_winsorised_error_of_the_mean_is_one_and_of_the_truth_zero() -> None:
    _, came = world()
    cut = np.minimum(came, np.quantile(came, 0.995, method="higher"))
    assert winsorised_error(came, came) == 0
    assert winsorised_error(np.full(len(came), cut.mean()), came) == pytest.approx(1)
    assert np.isnan(winsorised_error(came, np.full(len(came), 3.0)))


def test_spearman_is_scipys() -> None:
    mean, came = world(500)
    assert spearman(mean, came) == pytest.approx(spearmanr(mean, came)[0])
    assert np.isnan(spearman(mean, np.zeros(500)))
