"""What the firm records: contracts, payments, consents, win-back, memberships, costs, market."""

import pandas as pd
import pytest

END = pd.Timestamp(2025, 1, 1)


def test_contracts_end_with_the_exit_or_by_a_change_of_plan(frames, truth):
    contracts = frames["contracts"]
    exit_at = contracts.customer_id.map(truth["customers"].set_index("customer_id").exit_at)
    ended = contracts.ended_at.notna()
    change = contracts.end_reason == "Plan change"
    assert (contracts.end_reason.notna() == ended).all()
    assert 0.05 < change[ended].mean() < 0.5
    assert (contracts.ended_at == exit_at.dt.floor("s"))[ended & ~change].all()
    in_force = contracts[~ended].customer_id
    assert in_force.is_unique
    changed = set(contracts.customer_id[change])
    assert all((contracts.customer_id == customer).sum() == 2 for customer in changed)


def test_end_reason_and_stated_reason_are_the_same_word(frames):
    ends = frames["contracts"].dropna(subset=["end_reason"]).merge(frames["exits"], on="customer_id")
    ends = ends[~ends.end_reason.isin(["Plan change", "Not stated"])]
    assert len(ends) > 100
    assert (ends.end_reason == ends.stated_reason).all()


def test_price_leavers_paid_more_over_the_market(frames, truth):
    contracts = frames["contracts"]
    over = contracts.price.astype(float) / contracts.market_price.astype(float) - 1.0
    cause = contracts.customer_id.map(truth["customers"].set_index("customer_id").exit_cause)
    assert over[cause == "price"].mean() > over[cause.isna()].mean() + 0.02


def test_fees_are_paid_monthly_while_the_contract_lasts(frames):
    lasting = frames["contracts"]
    whole = lasting[(lasting.started_at < END - pd.Timedelta(730, unit="D")) & lasting.ended_at.isna()]
    consumers = frames["customers"].query("kind == 'consumer'").customer_id
    whole = whole[whole.customer_id.isin(consumers) & whole.customer_id.isin(_single(lasting))]
    count = frames["payments"].groupby("customer_id").size().reindex(whole.customer_id)
    # 730 days / 30.4375 = 23.98 fees, so 23 to 25
    assert len(count) > 100
    assert count.between(23, 25).all()


def _single(contracts):
    count = contracts.customer_id.value_counts()
    return count.index[count == 1]


def test_price_pressed_customers_fail_to_pay_more_often(frames, truth):
    hits = truth["causes"].query("cause == 'price'")
    payments = frames["payments"].reset_index().merge(hits, on="customer_id")
    during = (payments["at"] >= payments.onset_at) & (payments["at"] < payments.resolved_at)
    pressed = frames["payments"].index.isin(payments["index"][during])
    failed = frames["payments"].status == "failed"
    assert failed[pressed].mean() > 2 * failed[~pressed].mean()


def test_consents_are_dated_and_some_are_withdrawn(frames):
    consents = frames["consents"].sort_values("at", kind="stable")
    keys = ["customer_id", "purpose", "channel"]
    first, last = consents.groupby(keys).granted.first(), consents.groupby(keys).granted.last()
    withdrawn = first & ~last
    assert 0.01 < withdrawn.mean() < 0.15
    assert set(consents.purpose) == {"marketing", "service"}
    assert consents.customer_id.nunique() > 0.98 * len(frames["customers"])


def test_winback_steps_come_in_order_and_follow_the_exit(frames, truth):
    customers = truth["customers"].set_index("customer_id")
    winback = frames["winback"]
    assert (winback["at"] > winback.customer_id.map(customers.exit_at)).all()
    steps = winback.pivot(index="customer_id", columns="status", values="at")
    assert (steps.contacted.dropna() > steps.planned[steps.contacted.notna()]).all()
    returned = steps.returned.dropna()
    assert (returned == customers.returned_at[returned.index]).all()
    assert (steps.refused.isna() | steps.returned.isna()).all()
    assert winback.owner.isna().any()
    assert not winback.customer_id.map(customers.exit_cause).isin(["deceased"]).any()


def test_members_are_the_more_committed(frames, truth):
    """Comparing members with others overstates a programme (domain E3): joining is no accident."""
    customers = truth["customers"].set_index("customer_id")
    for _, members in frames["memberships"].groupby("programme").customer_id:
        member = customers.index.isin(members)
        assert customers.commitment[member].mean() > customers.commitment[~member].mean() + 0.03


def test_campaign_costs_agree_with_the_campaigns(frames):
    spent = frames["costs"].dropna(subset=["offer"]).groupby("offer").amount.sum().astype(float)
    booked = frames["campaigns"].groupby("offer").cost.sum().astype(float)
    for offer, amount in spent.items():
        assert amount == pytest.approx(booked[offer])
    assert set(frames["costs"].purpose) == {"acquisition", "retention", "programme", "staff", "system"}


def test_market_has_weekly_signals_per_region(frames):
    market = frames["market"]
    prices = market[market.signal == "competitor_price_index"]
    assert prices.region.nunique() == 5
    assert not prices.duplicated(["at", "region"]).any()
    technology = market[market.signal == "competitor_technology"].sort_values("at").value.to_numpy()
    # the default technology shock stands at 60 % of the window
    assert technology[-10:].mean() > technology[:10].mean() + 0.3


def test_some_key_accounts_have_no_manager(frames):
    distributors = frames["customers"].query("kind == 'distributor'").customer_id
    managed = distributors.isin(frames["managers"].customer_id)
    assert 0.3 < managed.mean() < 1
