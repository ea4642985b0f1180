"""Who may be contacted, who was contacted, who owns whom."""

from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.histories.histories import Histories
from holdfast.params.sections import ExitsSection
from holdfast.pipelines.act import consent, last_contacts, open_complaints, owners, stated_reasons

AT = date(2024, 6, 1)


def consents(*rows: tuple) -> Histories:
    frame = pd.DataFrame(rows, columns=["customer_id", "at", "purpose", "channel", "granted"])
    return Histories.from_frames({"consents": frame, "purchases": PURCHASES})


def permitted(histories: Histories, *channels: str) -> dict[str, str]:
    table = consent(histories, channels)
    assert table is not None
    return dict(zip(table["customer_id"], table["consent_channels"], strict=True))


PURCHASES = pd.DataFrame({"customer_id": ["a"], "at": ["2024-01-01"], "amount": [1]})


def test_without_a_consents_table_nothing_is_said() -> None:
    assert consent(Histories.from_frames({"purchases": PURCHASES})) is None


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("2024-01-01", "email", True), ("2024-02-01", "email", False)], ""),
        ([("2024-02-01", "email", True), ("2024-01-01", "email", False)], "email"),
        ([("2024-01-01", "email", True), ("2024-01-01", "email", False)], ""),
        ([("2024-01-01", "email", True), ("2024-01-01", "phone", True)], "email|phone"),
        ([("2024-01-01", "email", True), ("2024-02-01", None, False)], ""),
        ([("2024-02-01", "email", True), ("2024-01-01", None, False)], "email"),
        ([("2024-01-01", "email", True), ("2024-01-01", None, False)], ""),
        ([("2024-01-01", None, True)], "*"),
        ([("2024-02-01", None, True), ("2024-01-01", "email", False)], "*"),
        ([("2024-01-01", None, True), ("2024-02-01", "email", False)], "phone|post"),
        ([("2024-01-01", None, True), ("2024-01-01", "email", False)], "phone|post"),
        ([("2024-01-01", None, True), ("2024-01-02", "email", False), ("2024-01-03", "post", False)], "phone"),
        ([("2024-01-01", "email", None)], ""),
    ],
)
def test_newest_wins_and_a_withdrawal_wins_a_tie(rows: list[tuple], expected: str) -> None:
    histories = consents(*(("a", at, "marketing", channel, granted) for at, channel, granted in rows))
    assert permitted(histories, "email", "phone", "post").get("a", "") == expected


def test_only_consent_for_marketing_counts_where_it_is_recorded() -> None:
    histories = consents(
        ("a", "2024-01-01", "profiling", "email", True),
        ("b", "2024-01-01", "Marketing", "email", True),
    )
    assert permitted(histories) == {"b": "email"}


def test_a_consent_given_after_the_cutoff_is_not_known() -> None:
    histories = consents(
        ("a", "2024-06-01", "marketing", "email", True), ("b", "2024-05-31", "marketing", "email", True)
    )
    assert permitted(histories.upto(AT)) == {"b": "email"}


statements = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from([None, "email", "phone"]), st.booleans()), min_size=1, max_size=6
)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(rows=statements, seed=st.integers(0, 99))
def test_a_channel_is_permitted_by_its_newest_statement_whatever_the_order(rows: list[tuple], seed: int) -> None:
    frame = pd.DataFrame([("a", f"2024-01-0{day}", "marketing", *rest) for day, *rest in rows])
    tables = [
        consents(*each.itertuples(index=False, name=None)) for each in (frame, frame.sample(frac=1, random_state=seed))
    ]
    found = [permitted(each, "post").get("a", "") for each in tables]
    assert found[0] == found[1]
    allowed = set(found[0].split("|")) - {""}
    for channel in ("email", "phone", "post"):
        about = [(day, granted) for day, named, granted in rows if named in {None, channel}]
        newest = max((day for day, _ in about), default=0)
        expected = bool(about) and all(granted for day, granted in about if day == newest)
        assert bool(allowed & {channel, "*"}) == expected


def test_contacts_by_the_firm_and_treated_campaigns_count_within_the_cap() -> None:
    histories = Histories.from_frames(
        {
            "purchases": PURCHASES,
            "contacts": pd.DataFrame(
                {
                    "customer_id": ["a", "a", "b"],
                    "at": ["2024-05-02", "2024-05-01", "2024-05-20"],
                    "direction": ["outbound", "outbound", "inbound"],
                }
            ),
            "campaigns": pd.DataFrame(
                {
                    "customer_id": ["a", "c"],
                    "at": ["2024-05-25", "2024-05-25"],
                    "offer": "o",
                    "arm": ["treated", "control"],
                }
            ),
        }
    )
    table = last_contacts(histories, AT, 30)
    # 30 days before 1 June is 2 May: 2 and 25 May count, 1 May does not; b wrote to us, c was the control
    assert table.to_dict("records") == [
        {"customer_id": "a", "last_contact_at": pd.Timestamp("2024-05-25"), "contacts_30d": 2, "contacts_in_cap": 2}
    ]
    week = last_contacts(histories, AT, 7)
    assert week[["contacts_30d", "contacts_in_cap"]].values.tolist() == [[2, 1]], "the cap has a window of its own"
    assert last_contacts(Histories.from_frames({"purchases": PURCHASES}), AT, 30) is None


def test_a_complaint_is_open_until_it_was_resolved_before_the_cutoff() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c"],
            "at": "2024-05-01",
            "resolved_at": [None, None, "2024-05-31", "2024-06-01"],
        }
    )
    histories = Histories.from_frames({"purchases": PURCHASES, "complaints": frame}).upto(AT)
    assert sorted(open_complaints(histories)["customer_id"]) == ["a", "c"]
    assert open_complaints(Histories.from_frames({"purchases": PURCHASES})) is None


def test_the_owner_is_the_newest_manager_still_in_charge() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c"],
            "employee_id": ["old", "new", "gone", "stays"],
            "from": ["2024-01-01", "2024-02-01", "2024-01-01", "2024-01-01"],
            "to": [None, None, "2024-03-01", "2024-09-01"],
        }
    )
    histories = Histories.from_frames({"purchases": PURCHASES, "managers": frame}).upto(AT)
    assert dict(owners(histories).itertuples(index=False, name=None)) == {"a": "new", "c": "stays"}


def test_a_consent_to_another_purpose_permits_no_contact():
    rows = [("a", "2024-01-01", "profiling", "email", True), ("b", "2024-01-01", "contact", "email", True)]
    frame = pd.DataFrame(rows, columns=["customer_id", "at", "purpose", "channel", "granted"])
    first = pd.DataFrame({"customer_id": ["a"], "at": ["2024-01-01"], "amount": [1]})
    found = consent(Histories.from_frames({"purchases": first, "consents": frame}))
    assert found["customer_id"].tolist() == ["b"]


def test_a_refusal_counts_whatever_its_purpose_is_called() -> None:
    histories = consents(
        ("a", "2024-01-01", "marketing", "email", True), ("a", "2024-02-01", "kontakt", "email", False),
        ("b", "2024-01-01", "marketing", "email", True), ("b", "2024-02-01", "billing", "email", False),
        ("c", "2024-01-01", "kontakt", "email", True),
    )  # fmt: skip
    # b refused letters about bills; c never consented to marketing by a name that says so
    assert permitted(histories) == {"b": "email"}


def test_channels_are_compared_without_regard_to_capitals() -> None:
    histories = consents(
        ("a", "2024-01-01", "marketing", "Email ", True), ("a", "2024-02-01", "marketing", "EMAIL", False),
        ("b", "2024-01-01", "marketing", "E-Mail", True),
    )  # fmt: skip
    assert permitted(histories, "E-Mail", "email") == {"b": "e-mail"}


def test_a_contact_of_unknown_direction_counts_against_the_cap() -> None:
    frame = pd.DataFrame({"customer_id": ["a", "b", "c"], "at": ["2024-05-20"] * 3,
                          "direction": ["sideways", None, "inbound"]})  # fmt: skip
    table = last_contacts(Histories.from_frames({"purchases": PURCHASES, "contacts": frame}), AT, 30)
    assert set(table["customer_id"]) == {"a", "b"}


def test_a_stated_reason_that_a_purchase_has_overtaken_is_not_told() -> None:
    purchases = pd.DataFrame({"customer_id": ["a", "b"], "at": ["2024-04-01", "2024-02-01"], "amount": [5.0, 5.0]})
    exits = pd.DataFrame({"customer_id": ["a", "b", "c"], "at": ["2024-03-01"] * 3,
                          "stated_reason": ["Too dear", "Too dear", "Moved"]})  # fmt: skip
    section = ExitsSection.model_validate({"reasons": {"price": ["Too dear"]}, "not_influenceable": ["Moved"]})
    found = stated_reasons(Histories.from_frames({"purchases": purchases, "exits": exits}), section)
    assert found is not None
    rows = found.set_index("customer_id")
    assert set(rows.index) == {"b", "c"}  # a came back in April
    assert rows.loc["b", "reason_stated"] == "price"
    assert rows.loc["c", "influenceable"] == False  # noqa: E712
