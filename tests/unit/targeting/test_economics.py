import numpy as np
import pytest

from holdfast.targeting.economics import expected_cost, uplift, worth
from holdfast.targeting.offers import Offer

P = np.array([0.0, 0.02, 0.4, 1.0])


def test_effect_of_leavers_is_a_share_of_the_risk():
    # 0.05 x (0, 0.02, 0.4, 1)
    assert uplift(P, Offer("a", effect_assumed=0.05)) == pytest.approx([0.0, 0.001, 0.02, 0.05])


def test_effect_of_contacted_is_points_capped_at_the_risk():
    # min(0.05, p)
    assert uplift(P, Offer("a", effect_assumed=0.05, effect_of="contacted")) == pytest.approx([0, 0.02, 0.05, 0.05])


def test_a_harmful_contact_cannot_push_churn_above_one():
    # p - uplift <= 1, so uplift >= p - 1
    harm = uplift(P, Offer("a", effect_assumed=-0.04, effect_of="contacted"))
    assert harm == pytest.approx([-0.04, -0.04, -0.04, 0.0])


def test_the_subsidy_goes_to_stayers_too():
    # p = .4: 0.2 + (0.3 x 0.6 + 0.5 x 0.4) x 10 = 0.2 + 0.38 x 10 = 4.0
    offer = Offer("a", contact_cost=0.2, incentive_cost=10.0, accept_stayers=0.3, accept_leavers=0.5)
    assert expected_cost(np.array([0.4]), offer) == pytest.approx([4.0])


def test_one_accept_rate_gives_the_contract_formula_at_any_risk():
    # contact + accept x incentive = 0.2 + 0.3 x 10 = 3.2
    offer = Offer("a", contact_cost=0.2, incentive_cost=10.0, accept_stayers=0.3, accept_leavers=0.3)
    assert expected_cost(P, offer) == pytest.approx([3.2] * 4)


def test_profit_by_hand():
    # p .4, effect .05 of leavers: uplift .02; loss 300 (200..400): .02 x 300 - 3.2 = 2.8; low 0.8; high 4.8
    offer = Offer("a", contact_cost=3.2, effect_assumed=0.05)
    figures = worth(np.array([0.4]), np.array([300.0]), np.array([200.0]), np.array([400.0]), [offer])
    assert figures.profit[0, 0] == pytest.approx(2.8)
    assert (figures.low[0, 0], figures.high[0, 0]) == pytest.approx((0.8, 4.8))
    assert figures.cost[0, 0] == 32_000


def test_clients_of_the_worked_example():
    # Domain A6: 6 600 clients, 5 % lost, 1 000 profit each = 330 000 at risk; a save rate s is worth 50 s a client:
    # at s = 0.2 that is 10 a client, so a contact of 9.99 pays and one of 10.00 does not.
    p, loss = np.full(6600, 0.05), np.full(6600, 1000.0)
    assert (p * loss).sum() == pytest.approx(330_000)
    pays = [worth(p, loss, loss, loss, [Offer("a", contact_cost=c, effect_assumed=0.2)]).profit for c in (9.99, 10.0)]
    assert (pays[0] > 0).all()
    assert not (pays[1] > 1e-12).any()
