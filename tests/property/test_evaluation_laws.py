"""Laws of the evaluation room: they hold for any labels, scores, ties and customers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.evaluation import calibration, profit, ranking
from holdfast.evaluation.comparison import compare
from holdfast.evaluation.profit import Campaign
from holdfast.evaluation.report import evaluate
from holdfast.evaluation.rows import sort_rows
from holdfast.evaluation.splits import snapshot_split
from holdfast.evaluation.weighted import Panel, Plan

laws = settings(max_examples=60, deadline=None)
few = settings(max_examples=20, deadline=None)


@st.composite
def cohorts(draw, both_classes=True):
    """Labels, scores on a coarse grid (so that ties are common), customer ids."""
    n = draw(st.integers(2, 60))
    y = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    if both_classes:
        y[:2] = 0, 1
    grid = draw(st.sampled_from([4, 20, 1000]))
    p = draw(st.lists(st.integers(0, grid), min_size=n, max_size=n))
    customer = draw(st.permutations(range(n)))
    return np.array(y), np.array(p) / grid, np.array([f"c{i:03d}" for i in customer])


@laws
@given(cohorts())
def test_auroc_is_the_share_of_pairs_in_the_right_order(cohort):
    y, p, _ = cohort
    gaps = p[y == 1][:, None] - p[y == 0][None, :]
    assert ranking.auroc(y, p) == pytest.approx(((gaps > 0) + (gaps == 0) / 2).mean(), abs=1e-12)


@laws
@given(cohorts(), st.sampled_from([lambda p: 3 * p - 5, np.exp, lambda p: np.argsort(np.argsort(np.unique(p)))]))
def test_ranking_depends_on_the_order_only(cohort, move):
    y, p, customer = cohort
    levels, position = np.unique(p, return_inverse=True)
    moved = np.asarray(move(levels), dtype=float)[position]
    assert ranking.auroc(y, moved) == ranking.auroc(y, p)
    assert ranking.average_precision(y, moved) == ranking.average_precision(y, p)
    assert ranking.top_decile_lift(y, moved, customer) == ranking.top_decile_lift(y, p, customer)
    assert profit.empc(y, moved) == profit.empc(y, p)


@laws
@given(cohorts())
def test_turning_the_score_around_turns_auroc_around(cohort):
    y, p, _ = cohort
    assert ranking.auroc(y, -p) == pytest.approx(1 - ranking.auroc(y, p), abs=1e-12)


@few
@given(cohorts(both_classes=False), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_not_a_bit(cohort, random):
    y, p, customer = cohort
    order = list(range(len(y)))
    random.shuffle(order)
    page = evaluate(y, p, customer, seed=3, n_boot=20)
    assert evaluate(y[order], p[order], customer[order], seed=3, n_boot=20) == page


@laws
@given(cohorts())
def test_weight_one_gives_the_plain_figures(cohort):
    y, p, customer = cohort
    code = np.argsort(np.argsort(customer))
    figures = Panel(sort_rows(y.astype(float), p, code), Plan()).measure(np.ones((1, len(y))))
    page = evaluate(y, p, customer, seed=1, n_boot=0)
    for name, values in figures.items():
        assert values[0] == pytest.approx(page[name], abs=1e-10), name


@few
@given(cohorts())
def test_a_common_weight_changes_no_rate(cohort):
    y, p, _ = cohort
    panel = Panel(sort_rows(y.astype(float), p, np.arange(len(y))), Plan())
    once, thrice = panel.measure(np.ones((1, len(y)))), panel.measure(np.full((1, len(y)), 3.0))
    for name in ("auroc", "average_precision", "log_loss", "brier", "ece", "mpc", "empc"):
        assert thrice[name][0] == pytest.approx(once[name][0], abs=1e-10), name


@few
@given(cohorts())
def test_a_model_does_not_differ_from_itself(cohort):
    y, p, customer = cohort
    for name, entry in compare(y, p, p, customer, seed=2, n_boot=30).items():
        assert entry["difference"] in (0.0, None), name
        assert entry["low"] in (0.0, None), name
        assert entry["high"] in (0.0, None), name


@laws
@given(cohorts(both_classes=False))
def test_ece_is_never_negative_and_never_above_the_mean_error(cohort):
    y, p, _ = cohort
    # |sum of errors| in a bin is at most the sum of |errors|
    assert 0 <= calibration.ece(y, p) <= np.abs(y - p).mean() + 1e-12


@few
@given(st.integers(0, 10**6), st.sampled_from([0.1, 0.3, 0.6]))
def test_a_calibrated_model_sits_at_its_floor(seed, rate):
    rng = np.random.default_rng(seed)
    p = rng.beta(4 * rate, 4 * (1 - rate), 2000)
    floor = calibration.ece_floor(p, seed=seed)
    seen = np.mean([calibration.ece(rng.random(2000) < p, p) for _ in range(20)])
    # twenty draws whose spread is (high - low) / 4: five standard errors of their mean
    assert seen == pytest.approx(floor.mean, abs=5 * (floor.high - floor.low) / 4 / np.sqrt(20))


@laws
@given(
    cohorts(both_classes=False),
    st.floats(1, 500),
    st.floats(0, 600),
    st.floats(0, 50),
    st.floats(0.5, 20),
    st.floats(0.5, 20),
)
def test_profit_is_never_negative_and_knowing_the_acceptance_never_hurts(cohort, clv, incentive, contact, alpha, beta):
    y, p, _ = cohort
    campaign = Campaign(alpha, beta, clv, incentive, contact)
    expected, fixed = profit.empc(y, p, campaign), profit.mpc(y, p, campaign)
    assert fixed >= 0
    assert expected >= 0
    # Jensen: the mean of a maximum is at least the maximum at the mean
    assert expected >= fixed - 1e-9 * clv


@laws
@given(cohorts())
def test_the_whole_cohort_has_lift_one(cohort):
    y, p, customer = cohort
    assert ranking.top_decile_lift(y, p, customer, share=1.0) == pytest.approx(1.0)
    assert ranking.recall_at(y, p, customer, len(y)) == 1.0


@laws
@given(st.lists(st.integers(0, 12), min_size=3, max_size=60), st.integers(0, 10**6))
def test_twins_never_stand_on_both_sides(profiles, seed):
    if len(set(profiles)) < 2:
        return
    test = snapshot_split([f"c{i}" for i in range(len(profiles))], profiles, seed)
    hashes = np.array(profiles)
    assert 0 < test.sum() < len(profiles)
    assert not set(hashes[test]) & set(hashes[~test])
