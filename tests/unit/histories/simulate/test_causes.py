"""Planted causes leave evidence before the exit, and nothing comes after it."""

import numpy as np
import pandas as pd
import pytest
import yaml

from holdfast.histories.simulate.causes import draw_hits as draw
from holdfast.histories.simulate.causes import leave_probabilities, settle
from holdfast.histories.simulate.options import CAUSES, REACH_DAYS, Clock, WorldOptions
from holdfast.histories.simulate.people import make_people
from holdfast.schema import EXIT_CLASSES

BEFORE = pd.Timedelta(60, unit="D")


@pytest.fixture(scope="module")
def leavers(truth):
    customers = truth["customers"].set_index("customer_id")
    return customers[customers.exit_at.notna()]


@pytest.fixture(scope="module")
def last_days(frames, leavers):
    """Rows of a table in the 60 days before the exit, with the cause of the exit."""

    def rows(name):
        frame = frames[name][frames[name].customer_id.isin(leavers.index)]
        exit_at = frame.customer_id.map(leavers.exit_at)
        near = (frame["at"] < exit_at) & (frame["at"] >= exit_at - BEFORE)
        return frame[near].assign(cause=frame.customer_id.map(leavers.exit_cause)[near], exit_at=exit_at[near])

    return rows


def _per_leaver(rows, leavers, cause):
    """Mean count of rows per leaver of a cause, and per leaver of all other causes."""
    hit = leavers.exit_cause == cause
    count = rows.groupby("customer_id").size().reindex(leavers.index, fill_value=0)
    return count[hit].mean(), count[~hit].mean()


def test_silence_follows_the_exit_unless_the_customer_returns(frames, truth):
    customers = truth["customers"].set_index("customer_id")
    buys = frames["purchases"][frames["purchases"].amount > 0]
    after = buys["at"] >= buys.customer_id.map(customers.exit_at)
    back = buys["at"] >= buys.customer_id.map(customers.returned_at)
    assert (back[after]).all()
    assert after.any()


@pytest.mark.parametrize("name", ["contacts", "complaints", "events", "surveys"])
def test_the_gone_are_silent_in_every_channel(frames, truth, name):
    customers = truth["customers"].set_index("customer_id")
    rows = frames[name]
    after = rows["at"] >= rows.customer_id.map(customers.exit_at)
    back = rows["at"] >= rows.customer_id.map(customers.returned_at)
    assert (back | ~after).all()


def test_some_leavers_return_and_most_do_not(leavers):
    share = leavers.returned_at.notna().mean()
    assert 0.05 < share < 0.3
    assert leavers.returned_at[leavers.exit_cause == "deceased"].isna().all()


def test_every_class_loses_customers_and_some_exits_cannot_be_influenced(leavers):
    shares = leavers.exit_cause.value_counts(normalize=True)
    assert set(shares.index) == {*EXIT_CLASSES, "deceased"}
    assert shares[list(EXIT_CLASSES)].min() > 0.05
    influenceable = leavers.groupby("exit_cause").influenceable.agg(["min", "max"])
    assert not influenceable.loc[["market", "deceased"]].to_numpy().any()
    assert influenceable.drop(["market", "deceased"]).to_numpy().all()


def test_hits_begin_days_or_weeks_before_the_exit(truth):
    causes = truth["causes"]
    left = causes[causes.left]
    lag = (left.resolved_at - left.onset_at).dt.days
    assert lag.min() >= 2
    assert 30 < lag.median() < 70
    assert 0.3 < causes.left.mean() < 0.9
    stayed = causes[~causes.left]
    assert causes[causes.left].strength.mean() > stayed.strength.mean()


def test_service_leavers_have_unresolved_complaints(last_days, leavers):
    rows = last_days("complaints")
    unresolved = rows[rows.resolved_at.isna() | (rows.resolved_at >= rows.exit_at)]
    hit, others = _per_leaver(unresolved, leavers, "service")
    assert hit >= 2 * others
    assert hit > 0.5


def test_product_leavers_return_more_and_buy_narrower(last_days, leavers):
    rows = last_days("purchases")
    hit = rows.cause == "product"
    returned = rows.amount < 0
    assert returned[hit].mean() >= 2 * returned[~hit].mean()
    breadth = rows.groupby("customer_id").category.nunique()
    of_product = leavers.exit_cause.loc[breadth.index] == "product"
    assert breadth[of_product].mean() < 0.9 * breadth[~of_product].mean()


def test_price_leavers_shift_to_discounts(last_days):
    rows = last_days("purchases")
    discounted = rows.unit_price < rows.list_price
    hit = rows.cause == "price"
    assert discounted[hit].mean() >= 1.5 * discounted[~hit].mean()


def test_market_leavers_buy_less_often_and_tell_their_address(last_days, leavers):
    hit, others = _per_leaver(last_days("purchases"), leavers, "market")
    assert hit < 0.85 * others
    contacts = last_days("contacts")
    hit, others = _per_leaver(contacts[contacts.purpose == "address"], leavers, "market")
    assert hit > 2 * others


def test_technology_leavers_use_less_and_look_at_newer_things(last_days, leavers, truth):
    with_app = leavers[leavers.has_app]
    events = last_days("events")
    usage = events[(events.kind == "usage") & events.customer_id.isin(with_app.index)]
    hit, others = _per_leaver(usage, with_app, "technology")
    assert hit < 0.7 * others
    hit, others = _per_leaver(events[events.object == "new_technology"], leavers, "technology")
    assert hit > 3 * others


def test_political_leavers_lose_trust_and_complain_about_responsibility(last_days, leavers):
    surveys = last_days("surveys")
    hit = surveys.cause == "political"
    assert surveys.trust[hit].mean() < surveys.trust[~hit].mean() - 0.5
    complaints = last_days("complaints")
    hit, others = _per_leaver(complaints[complaints.topic == "responsibility"], leavers, "political")
    assert hit > 3 * others


@pytest.mark.parametrize(
    ("cause", "table", "column", "sign"),
    [("technology", "contacts", "purpose", "technology"), ("political", "events", "object", "press")],
)
def test_technology_and_political_show_outside_purchases(last_days, leavers, cause, table, column, sign):
    rows = last_days(table)
    hit, others = _per_leaver(rows[rows[column] == sign], leavers, cause)
    assert hit > 3 * others


def test_stayers_are_noisy_too(frames, truth):
    """Signs of a cause appear among those who stay: evidence is never proof."""
    customers = truth["customers"].set_index("customer_id")
    stayed = customers.index[customers.exit_at.isna()]
    unresolved = frames["complaints"][frames["complaints"].resolved_at.isna()]
    assert unresolved.customer_id.isin(stayed).sum() > 20


def test_stated_reasons_are_mostly_right_but_not_always(frames, world, truth):
    classes = yaml.safe_load(world.config)["exits"]["reasons"]
    of_word = {word: name for name, group in classes.items() for word in group}
    exits = frames["exits"].merge(truth["customers"], on="customer_id")
    named = exits.stated_reason.map(of_word).dropna()
    right = (named == exits.exit_cause[named.index]).mean()
    assert 0.75 < right < 0.97


def test_leave_probabilities_are_calibrated():
    clock, options = Clock.ending(WorldOptions().end, 24), WorldOptions()
    people = make_people(np.random.default_rng(1), 20_000, clock, options)
    hits = draw(np.random.default_rng(2), people, clock, options)
    at = 400.0
    exits = hits.departures.min(axis=1)
    there = (people.joined < at) & (exits > at)
    p = leave_probabilities(people, hits, at, clock, options).sum(axis=1)[there]
    left = exits[there] <= at + REACH_DAYS
    for group in (p < 0.05, p > 0.3):
        # tolerance: four binomial standard errors and one point for the first-order approximation
        error = 4 * np.sqrt(p[group].mean() * (1 - p[group].mean()) / group.sum()) + 0.01
        assert abs(left[group].mean() - p[group].mean()) < error


def test_settled_hits_end_with_the_exit():
    clock, options = Clock.ending(WorldOptions().end, 12), WorldOptions()
    people = make_people(np.random.default_rng(1), 500, clock, options)
    hits = draw(np.random.default_rng(2), people, clock, options)
    fates = settle(np.random.default_rng(3), people, hits, options)
    assert np.array_equal(fates.exit, hits.departures.min(axis=1))
    kept = np.isfinite(fates.hits.onset)
    assert (fates.hits.onset < fates.exit[:, None])[kept].all()
    assert fates.hits.onset.shape == (500, len(CAUSES))
    assert (fates.returned > fates.exit)[np.isfinite(fates.returned)].all()
