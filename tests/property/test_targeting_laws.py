"""Laws of targeting that must hold for any customers, offers and policy."""

import math

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.targeting.allocation import allocate
from holdfast.targeting.difference import diff_lists, summarise_diff
from holdfast.targeting.export import prepare_export
from holdfast.targeting.money import UNITS
from holdfast.targeting.offers import Offer
from holdfast.targeting.policy import Policy
from holdfast.targeting.scored_list import build_list
from holdfast.targeting.suppression import ORDER

FEW = settings(max_examples=12, deadline=None, derandomize=True)

money = st.integers(0, 3000).map(lambda cents: cents / 100)
share = st.integers(0, 100).map(lambda points: points / 100)
maybe = st.sampled_from([None, True, False])


@st.composite
def offer(draw, name):
    return Offer(
        name,
        programme=draw(st.sampled_from([None, "recovery"])),
        reasons=tuple(draw(st.sets(st.sampled_from(["price", "service"]), max_size=2))),
        contact_cost=draw(money),
        incentive_cost=draw(money),
        accept_stayers=draw(share),
        accept_leavers=draw(share),
        effect_assumed=draw(st.sampled_from([0.0, 0.01, 0.1, 0.5])),
        effect_of=draw(st.sampled_from(["leavers", "contacted"])),
        channels=tuple(draw(st.permutations(["email", "phone"]))[: draw(st.integers(0, 2))]),
        capacity=draw(st.sampled_from([None, 0, 1, 3])),
    )


@st.composite
def offers(draw):
    return [draw(offer(f"offer{k}")) for k in range(draw(st.integers(0, 3)))]


@st.composite
def people(draw, least=0):
    n = draw(st.integers(least, 30))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    frame = pd.DataFrame(
        {
            "customer_id": pd.array([f"c{k:02d}" for k in range(n)], dtype="string"),
            "cutoff": pd.Timestamp("2024-01-01"),
            "p_churn": rng.integers(0, 11, n) / 10,
            "loss_if_silent": rng.integers(-1, 20, n) * 25.0,
            "reason_predicted": rng.choice(["price", "service", "market", "unknown"], n),
            "reason_predicted_prob": 0.6,
            "open_complaint": rng.random(n) < 0.1,
            "contacts_30d": rng.integers(0, 3, n),
        }
    )
    if draw(st.booleans()):
        frame = frame.assign(consent_channels=rng.choice(["", "email", "phone|email", "*"], n))
    return frame


policies = st.builds(
    Policy,
    budget=st.one_of(st.none(), st.integers(0, 20_000).map(lambda cents: cents / 100)),
    holdout=st.sampled_from([0.0, 0.1, 0.5]),
    contact_cap_max=st.sampled_from([None, 1, 2]),
    global_holdout=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 5),
)


@FEW
@given(people(), offers(), policies)
def test_never_over_budget_capacity_cap_or_consent(frame, menu, policy):
    made = build_list(frame, menu, policy)
    rows = made.frame.merge(frame.drop(columns=["cutoff", "p_churn", "loss_if_silent"]), on="customer_id")
    treated, selected = rows[rows["arm"] == "treat"], rows[rows["arm"] != "none"]
    spent = round(treated["cost"].sum() * UNITS)
    assert policy.budget is None or spent <= round(policy.budget * UNITS)
    assert made.summary["expected_cost"] == spent / UNITS
    for one in menu:
        assert one.capacity is None or (treated["planned_offer"] == one.name).sum() <= one.capacity
    if policy.contact_cap_max is not None:
        assert (selected["contacts_30d_y"] < policy.contact_cap_max).all()
    if "consent_channels" in frame:
        for channel, granted in zip(selected["channel"], selected["consent_channels"], strict=True):
            assert granted == "*" or channel in granted.split("|")
    recovery = {one.name for one in menu if one.programme == "recovery"}
    assert set(selected.loc[selected["open_complaint_y"].astype(bool), "planned_offer"]) <= recovery
    assert (selected["loss_if_silent"] > 0).all()
    assert (selected["expected_profit"] > 0).all()


@FEW
@given(people(), offers(), policies)
def test_everybody_is_either_selected_or_told_why_not(frame, menu, policy):
    made = build_list(frame, menu, policy).frame
    assert sorted(made["customer_id"]) == sorted(frame["customer_id"])
    assert made["rank"].tolist() == list(range(1, len(made) + 1))
    assert ((made["arm"] == "none") == made["suppressed_because"].notna()).all()
    assert ((made["arm"] == "none") == made["planned_offer"].isna()).all()
    assert set(made["suppressed_because"].dropna()) <= set(ORDER)
    profit = made.loc[made["arm"] != "none", "expected_profit"].tolist()
    assert profit == sorted(profit, reverse=True)
    assert (made["arm"] == "none").is_monotonic_increasing


@FEW
@given(people(), offers(), policies)
def test_the_holdout_is_neither_smaller_than_promised_nor_more_than_half(frame, menu, policy):
    made = build_list(frame, menu, policy)
    n, held = made.summary["n_treated"] + made.summary["n_holdout"], made.summary["n_holdout"]
    assert min(math.ceil(n * policy.holdout - 1e-9), n // 2) <= held <= n / 2


@FEW
@given(people(), offers(), policies, st.randoms(use_true_random=False))
def test_row_order_is_irrelevant_and_bytes_repeat(frame, menu, policy, random):
    order = list(range(len(frame)))
    random.shuffle(order)
    one, two = build_list(frame, menu, policy), build_list(frame.iloc[order], menu, policy)
    assert one.frame.to_csv() == two.frame.to_csv()
    assert one.summary == two.summary


@FEW
@given(people(), offers(), policies)
def test_arguments_are_not_changed(frame, menu, policy):
    before = frame.copy(deep=True)
    build_list(frame, menu, policy)
    pd.testing.assert_frame_equal(frame, before)


@FEW
@given(people(), policies, st.lists(money, min_size=1, max_size=3))
def test_a_zero_save_rate_targets_nobody(frame, policy, costs):
    menu = [Offer(f"offer{k}", contact_cost=cost, effect_assumed=0.0) for k, cost in enumerate(costs)]
    assert build_list(frame, menu, policy).summary["n_treated"] == 0


@FEW
@given(people(), st.data())
def test_a_dearer_offer_never_lengthens_the_list_when_the_budget_does_not_bind(frame, data):
    menu = [data.draw(offer(f"offer{k}")) for k in range(data.draw(st.integers(1, 3)))]
    menu = [Offer(**{**vars(one), "capacity": None}) for one in menu]
    raised = Offer(**{**vars(menu[0]), "contact_cost": menu[0].contact_cost + data.draw(money)})
    policy = Policy(budget=None)

    def length(choice):
        summary = build_list(frame, choice, policy).summary
        return summary["n_treated"] + summary["n_holdout"]

    assert length([raised, *menu[1:]]) <= length(menu)


@FEW
@given(people(), st.integers(1, 500), st.integers(0, 500), st.integers(0, 20_000))
def test_a_dearer_contact_never_lengthens_a_list_under_a_budget(frame, cents, more, budget):
    # One offer of one price for all: the length is min(customers who pay, budget / price), both falling.
    def treated(price):
        menu = [Offer("call", contact_cost=price / 100, effect_assumed=0.1)]
        return build_list(frame, menu, Policy(budget=budget / 100, holdout=0.0, power=0.999999)).summary

    one, two = treated(cents), treated(cents + more)
    if one["n_holdout"] == two["n_holdout"] == 0:
        assert two["n_treated"] <= one["n_treated"]


matrices = st.integers(1, 12).flatmap(
    lambda n: st.integers(1, 3).flatmap(
        lambda m: st.tuples(
            st.lists(st.lists(st.integers(-2, 30), min_size=m, max_size=m), min_size=n, max_size=n),
            st.lists(st.lists(st.integers(0, 9), min_size=m, max_size=m), min_size=n, max_size=n),
        )
    )
)


def _total(profit, choice):
    return sum(profit[row, offer] for row, offer in enumerate(choice) if offer >= 0)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(matrices, st.integers(0, 40), st.integers(0, 20))
def test_a_larger_budget_never_lowers_the_total_expected_profit(matrix, budget, more):
    profit, cost = np.array(matrix[0], dtype=float), np.array(matrix[1], dtype=np.int64)
    none = [None] * profit.shape[1]
    small, large = (allocate(profit, cost, money, none).choice for money in (budget, budget + more))
    assert _total(profit, large) >= _total(profit, small) - 1e-9


@settings(max_examples=200, deadline=None, derandomize=True)
@given(matrices, st.integers(0, 40), st.data())
def test_nothing_that_fits_and_pays_is_left_out(matrix, budget, data):
    profit, cost = np.array(matrix[0], dtype=float), np.array(matrix[1], dtype=np.int64)
    capacity = [data.draw(st.sampled_from([None, 0, 1, 2])) for _ in range(profit.shape[1])]
    done = allocate(profit, cost, budget, capacity)
    given_ = [(row, int(offer)) for row, offer in enumerate(done.choice) if offer >= 0]
    assert done.left == budget - sum(int(cost[pair]) for pair in given_) >= 0
    for offer, limit in enumerate(capacity):
        assert limit is None or sum(choice == offer for _, choice in given_) == limit - done.room[offer] <= limit
    for row in np.flatnonzero(done.choice < 0):
        for offer in range(profit.shape[1]):
            assert profit[row, offer] <= 0 or cost[row, offer] > done.left or done.room[offer] == 0


@settings(max_examples=100, deadline=None, derandomize=True)
@given(matrices)
def test_without_a_limit_everybody_gets_the_most_profitable_offer(matrix):
    profit, cost = np.array(matrix[0], dtype=float), np.array(matrix[1], dtype=np.int64)
    done = allocate(profit, cost, 10**9, [None] * profit.shape[1])
    assert _total(profit, done.choice) == np.maximum(profit.max(axis=1), 0).sum()


@FEW
@given(people(), offers(), policies)
def test_an_export_holds_everybody_once(frame, menu, policy):
    made = build_list(frame, menu, policy).frame
    files = prepare_export(made, asserted_by="A. Person", spreadsheet_safe=False)
    ids = [name for part in (files.send, files.control, files.suppression) for name in part["customer_id"]]
    assert sorted(ids) == sorted(frame["customer_id"])
    assert set(files.send["customer_id"]) == set(made.loc[made["arm"] == "treat", "customer_id"])


@FEW
@given(people(), people(), offers(), policies)
def test_the_difference_of_two_lists_reconciles(old, new, menu, policy):
    one, two = (build_list(frame, menu, policy).frame for frame in (old, new))
    diff = diff_lists(one, two)
    was, now = (set(made.loc[made["arm"] != "none", "customer_id"]) for made in (one, two))
    by = {change: set(diff.loc[diff["change"] == change, "customer_id"]) for change in ("came", "went")}
    assert by["came"] == now - was
    assert by["went"] == was - now
    assert set(diff["customer_id"]) == was | now
    assert summarise_diff(diff)["n_new"] == len(now)
    assert set(diff_lists(one, one)["change"]) <= {"same"}
