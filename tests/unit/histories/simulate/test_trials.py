"""Past campaigns: random assignment, planted effects of all three signs, realised in the exits."""

import numpy as np
import pytest

from holdfast.histories.simulate.causes import draw_hits
from holdfast.histories.simulate.options import BOUNCE_RATE, CAUSES, NEWSLETTER, OFFERS, REACH_DAYS, Clock, WorldOptions
from holdfast.histories.simulate.people import make_people
from holdfast.histories.simulate.trials import effects, offer_on, responsiveness, run_campaigns

N = 60_000


@pytest.fixture(scope="module")
def campaigns():
    options = WorldOptions(trial_share=0.9)
    clock = Clock.ending(options.end, 24)
    people = make_people(np.random.default_rng(1), N, clock, options)
    hits = draw_hits(np.random.default_rng(2), people, clock, options)
    trials, after = run_campaigns(np.random.default_rng(3), people, hits, clock, options)
    return people, hits, trials, after


def test_effects_are_positive_zero_and_negative(truth):
    for _, effect in truth["effects"].groupby("offer").effect:
        assert min((effect > 0).mean(), (effect == 0).mean(), (effect < 0).mean()) > 0.05
        assert effect.abs().max() <= 1


def test_effects_cover_exactly_the_customers_of_the_end(truth):
    customers = truth["customers"]
    here = customers.customer_id[customers.exit_at.isna() | customers.returned_at.notna()]
    for _, rows in truth["effects"].groupby("offer"):
        assert sorted(rows.customer_id) == sorted(here)


def test_effect_formula_by_hand(campaigns):
    people = campaigns[0]
    offer = OFFERS[1]
    calm = np.flatnonzero(people.one_employee & ~people.easily_annoyed & (people.segment != 3))[0]
    touchy = np.flatnonzero(people.one_employee & people.easily_annoyed & (people.segment != 3))[0]
    p = np.zeros((N, len(CAUSES)))
    p[:, 2] = 0.5
    effect = effects(people, offer, p)
    # care_call, service cause, response 1: 0.97 * 0.5 * 0.8; the touchy lose 0.97 * 0.5 * 0.02
    assert effect[calm] == pytest.approx((1 - BOUNCE_RATE) * 0.5 * 0.8)
    assert effect[touchy] == pytest.approx((1 - BOUNCE_RATE) * (0.5 * 0.8 - 0.5 * 0.02))


def test_nobody_is_kept_from_moving_or_dying(campaigns):
    people = campaigns[0]
    p = np.zeros((N, len(CAUSES)))
    p[:, CAUSES.index("market")] = 0.4
    p[:, CAUSES.index("deceased")] = 0.3
    for offer in OFFERS:
        assert effects(people, offer, p).max() <= 0


def test_assignment_has_the_stated_propensity_and_ignores_the_customer(campaigns):
    for trial in campaigns[2]:
        n, propensity = len(trial.customers), trial.offer.propensity
        if propensity == 1.0:
            assert trial.treated.all()
            continue
        error = np.sqrt(propensity * (1 - propensity) / n)
        assert abs(trial.treated.mean() - propensity) < 4 * error
        gap = trial.would_leave[trial.treated].mean() - trial.would_leave[~trial.treated].mean()
        base = trial.would_leave.mean()
        assert abs(gap) < 4 * np.sqrt(base * (1 - base) / (n * propensity * (1 - propensity)))


def test_realised_difference_matches_the_planted_effect(campaigns):
    for trial in campaigns[2]:
        if trial.offer is NEWSLETTER or trial.offer.propensity == 1.0:
            continue
        stays = 1.0 - trial.leaves
        treated, control = stays[trial.treated], stays[~trial.treated]
        error = np.sqrt(treated.var() / len(treated) + control.var() / len(control))
        assert abs(treated.mean() - control.mean() - trial.effect.mean()) < 4 * error


def test_planted_effects_order_the_realised_ones(campaigns):
    trial = next(trial for trial in campaigns[2] if trial.offer.name == "care_call")
    stays = 1.0 - trial.leaves

    def difference(group):
        return stays[group & trial.treated].mean() - stays[group & ~trial.treated].mean()

    assert difference(trial.effect > 0.1) > 0.1
    assert difference(trial.effect < 0) < 0.01


def test_controls_leave_as_they_would_have(campaigns):
    for trial in campaigns[2]:
        control = ~trial.treated
        assert np.array_equal(trial.leaves[control], trial.would_leave[control])
        assert np.isinf(trial.redeemed[control]).all()


def test_campaigns_change_the_exits_of_the_treated_only(campaigns):
    people, before, trials, after = campaigns
    treated = np.zeros(len(people), dtype=bool)
    for trial in trials:
        treated[trial.customers[trial.treated]] = True
    assert np.array_equal(before.departures[~treated], after.departures[~treated])
    assert not np.array_equal(before.departures[treated], after.departures[treated])


def test_loyal_customers_are_not_won_with_vouchers(campaigns):
    """Domain C8: at the same price sensitivity a committed customer responds less."""
    people = campaigns[0]
    response = responsiveness(people, OFFERS[0])
    sensitive = (people.price_sensitivity > 0.4) & (people.price_sensitivity < 0.5) & (response > 0)
    committed = people.commitment > 0.7
    assert response[sensitive & committed].mean() < 0.7 * response[sensitive & ~committed].mean()


def test_imitation_erases_the_copied_programme():
    options = WorldOptions(imitation=1.0, imitation_at=0.5)
    clock = Clock.ending(options.end, 24)
    points = next(offer for offer in OFFERS if offer.name == "double_points")
    assert offer_on(points, 0.4 * clock.days, clock, options) == points
    assert offer_on(points, 0.6 * clock.days, clock, options).save == 0.0
    call = OFFERS[1]
    assert offer_on(call, 0.6 * clock.days, clock, options) == call


def test_the_last_trial_shows_in_the_exits(campaigns):
    """Nothing comes after the last trial within its reach: who leaves in the truth leaves in the world."""
    _, before, trials, after = campaigns
    trial = trials[-1]
    assert trial.treated.any()
    assert not trial.treated.all()
    exits = after.departures.min(axis=1)[trial.customers]
    assert np.array_equal(exits <= trial.at + REACH_DAYS, trial.leaves)
    saved = trial.would_leave & ~trial.leaves
    provoked = trial.leaves & ~trial.would_leave
    assert min(saved.sum(), provoked.sum()) > 5
    untreated = before.departures.min(axis=1)[trial.customers]
    assert (exits[saved] > untreated[saved]).all()
    assert (saved <= trial.treated).all()
    assert (provoked <= trial.treated).all()
