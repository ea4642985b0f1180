"""Consent, contacts and stated reasons: what no order, spelling or number of statements may change."""

from datetime import date

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.histories.histories import Histories
from holdfast.params.sections import ExitsSection
from holdfast.pipelines.act import consent, last_contacts, stated_reasons

AT = date(2024, 6, 1)
PURCHASES = pd.DataFrame({"customer_id": ["a"], "at": ["2024-01-01"], "amount": [1]})


CHANNELS = ("email", "phone")
"""Channels of the firm."""


def permitted(people: list[list[tuple]], channels=CHANNELS) -> list[set[str]]:
    """Channels that the statements (day, purpose, channel, granted) of each customer permit, written out."""
    rows = [(f"c{who:03d}", f"2024-01-{day:02d}", *rest) for who, said in enumerate(people) for day, *rest in said]
    frame = pd.DataFrame(rows, columns=["customer_id", "at", "purpose", "channel", "granted"])
    # somebody has consented to marketing by that name
    frame.loc[len(frame)] = ["z", "2024-01-01", "marketing", "email", True]
    table = consent(Histories.from_frames({"consents": frame, "purchases": PURCHASES}), channels)
    assert table is not None
    found = dict(zip(table["customer_id"], table["consent_channels"], strict=True))
    named = [set(found.get(f"c{who:03d}", "").split("|")) - {""} for who in range(len(people))]
    return [{*CHANNELS} if "*" in one else one for one in named]


everybody = st.lists(
    st.lists(
        st.tuples(
            st.integers(1, 9), st.sampled_from(["marketing", "Newsletter", "kontakt", "billing", "analytics"]),
            st.sampled_from([None, "email", "Email ", "phone"]), st.booleans(),
        ), min_size=1, max_size=5,
    ), min_size=5, max_size=25,
)  # fmt: skip
few = settings(max_examples=8, deadline=None, derandomize=True)


def said_too(people: list[list[tuple]], *more: tuple) -> list[list[tuple]]:
    return [[*said, *more] for said in people]


@few
@given(people=everybody, purpose=st.sampled_from(["marketing", "kontakt"]), channel=st.sampled_from([None, "email"]))
def test_a_last_refusal_is_final_whatever_its_purpose_is_called(people, purpose, channel) -> None:
    for found in permitted(said_too(people, (20, purpose, channel, False))):
        assert "email" not in found
        assert channel or not found


@few
@given(people=everybody, word=st.sampled_from(["billing", "analytics", "cookies"]), granted=st.booleans())
def test_statements_about_other_things_change_nothing(people, word, granted) -> None:
    assert permitted(people) == permitted(said_too(people, (20, word, None, granted)))


@few
@given(people=everybody, day=st.sampled_from([1, 9, 20]), channel=st.sampled_from([None, "email", "phone"]))
def test_more_refusals_never_permit_more(people, day, channel) -> None:
    before, after = permitted(people), permitted(said_too(people, (day, "marketing", channel, False)))
    assert all(new <= old for new, old in zip(after, before, strict=True))


@few
@given(people=everybody)
def test_capitals_and_blanks_of_a_channel_say_nothing(people) -> None:
    loud = [[(day, purpose, way and f" {way.upper()} ", yes) for day, purpose, way, yes in said] for said in people]
    assert permitted(people) == permitted(loud, ("EMAIL", "Phone"))


def test_a_purpose_in_other_capitals_is_the_same_purpose() -> None:
    rows = [(1, "marketing", "email", True), (2, "Marketing", "email", False)]
    assert permitted([rows]) == [set()]


def test_a_grant_given_anew_in_other_capitals_counts() -> None:
    rows = [(1, "marketing", "email", False), (2, "Marketing", "email", True)]
    assert permitted([rows]) == [{"email"}]


def test_what_the_firm_sent_counts_and_what_came_in_does_not() -> None:
    directions = ["outbound", "inbound", "push", None, "outgoing"]
    contacts = pd.DataFrame({"customer_id": list("abcde"), "at": "2024-05-20", "direction": directions})
    found = last_contacts(Histories.from_frames({"purchases": PURCHASES, "contacts": contacts}), AT, 30)
    assert found is not None
    assert sorted(found["customer_id"]) == ["a", "c", "d", "e"]
    # without the column nobody can tell, so everything counts
    bare = last_contacts(
        Histories.from_frames({"purchases": PURCHASES, "contacts": contacts.drop(columns="direction")}), AT, 30
    )
    assert bare is not None
    assert sorted(bare["customer_id"]) == list("abcde")


def reasons(bought: list[tuple], said: list[tuple]) -> dict[str, str]:
    purchases = pd.DataFrame(bought, columns=["customer_id", "at", "amount"])
    exits = pd.DataFrame(said, columns=["customer_id", "at", "stated_reason"])
    section = ExitsSection.model_validate({"reasons": {"price": ["Too dear"], "service": ["Rude"]}})
    found = stated_reasons(Histories.from_frames({"purchases": purchases, "exits": exits}), section)
    assert found is not None
    return dict(zip(found["customer_id"], found["reason_stated"], strict=True))


def test_only_a_purchase_overtakes_a_reason() -> None:
    bought = [("returned", "2024-03-05", -9.0), ("same_day", "2024-03-01", 9.0), ("before", "2024-02-29", 9.0),
              ("after", "2024-03-02", 9.0)]  # fmt: skip
    said = [(who, "2024-03-01", "Too dear") for who in ("returned", "same_day", "before", "after", "never")]
    # goods sent back after the exit are no sign of life
    assert reasons(bought, said) == dict.fromkeys(["before", "never", "returned", "same_day"], "price")


def test_the_newest_reason_that_still_holds_is_told() -> None:
    bought = [("a", "2024-03-05", 9.0), ("b", "2024-01-05", 9.0)]
    said = [("a", "2024-03-01", "Too dear"), ("a", "2024-04-01", "Rude"), ("b", "2024-03-01", "Too dear")]
    assert reasons(bought, said) == {"a": "service", "b": "price"}
