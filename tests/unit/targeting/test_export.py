import pandas as pd
import pytest

from holdfast.errors import ConfigError, DataError
from holdfast.targeting.export import BOUGHT, COMPLAINED, REASONS, prepare_export, safe_cells
from holdfast.targeting.offers import Offer
from holdfast.targeting.policy import Policy
from holdfast.targeting.scored_list import build_list
from holdfast.targeting.suppression import CAP, NO_CONSENT

CUTOFF = pd.Timestamp("2024-01-01")


def a_list(consent="email"):
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{k}" for k in range(10)],
            "cutoff": CUTOFF,
            "p_churn": 0.5,
            "loss_if_silent": 1000.0,
            "consent_channels": consent,
            "reason_1": "last order 74 days ago",
            "contacts_30d": 0,
        }
    )
    offer = Offer("mail", contact_cost=1.0, effect_assumed=0.1, channels=("email",))
    return build_list(frame, [offer], Policy(holdout=0.3)).frame


def events(*rows):
    return pd.DataFrame(rows, columns=["customer_id", "at"]).assign(at=lambda d: pd.to_datetime(d["at"]))


def because(files):
    return files.suppression.set_index("customer_id")["suppressed_because"].to_dict()


def test_without_consent_somebody_must_answer_for_it():
    rows = a_list(consent=None)
    with pytest.raises(ConfigError, match="--consent-asserted-by NAME") as refused:
        prepare_export(rows)
    assert refused.value.exit_code == 2
    with pytest.raises(ConfigError):
        prepare_export(rows, asserted_by="  ")
    assert set(prepare_export(rows, asserted_by="A. Person").send["consent_basis"]) == {"asserted by A. Person"}


def test_granted_consent_needs_nobody():
    files = prepare_export(a_list())
    assert (len(files.send), len(files.control), len(files.suppression)) == (7, 3, 0)
    assert set(files.send["consent_basis"]) == {"granted"}


def test_consent_withdrawn_since_is_seen():
    rows = a_list()
    now = pd.DataFrame({"customer_id": [f"c{k}" for k in range(9)], "consent_channels": ["email"] * 7 + ["", "phone"]})
    files = prepare_export(rows, permitted=now)
    assert because(files) == dict.fromkeys(["c7", "c8", "c9"], NO_CONSENT)
    assert len(files.send) + len(files.control) == 7


def test_who_bought_or_complained_since_the_cutoff_is_dropped_from_both_arms():
    rows = a_list()
    held = rows.loc[rows["arm"] == "holdout", "customer_id"].iloc[0]
    treated = rows.loc[rows["arm"] == "treat", "customer_id"].tolist()
    files = prepare_export(
        rows,
        purchases=events((held, "2024-01-01"), (treated[0], "2024-01-05"), (treated[1], "2023-12-31")),
        complaints=events((treated[2], "2024-01-09"), (treated[0], "2024-01-09")),
    )
    assert because(files) == {held: BOUGHT, treated[0]: BOUGHT, treated[2]: COMPLAINED}
    assert files.suppression.set_index("customer_id").loc[held, "arm"] == "holdout"


def test_empty_tables_drop_nobody():
    nothing = events().astype({"customer_id": str})
    counts = pd.DataFrame({"customer_id": pd.Series(dtype=str), "contacts_in_cap": pd.Series(dtype=int)})
    files = prepare_export(a_list(), purchases=nothing, complaints=nothing, contacts=counts, contact_cap_max=1)
    assert because(files) == {}


def test_a_return_is_no_purchase():
    bought = events(("c0", "2024-01-05"), ("c1", "2024-01-05")).assign(amount=[-5.0, 5.0])
    assert because(prepare_export(a_list(), purchases=bought)) == {"c1": BOUGHT}


def test_the_contact_cap_is_checked_again():
    today = pd.DataFrame({"customer_id": ["c0", "c1"], "contacts_in_cap": [1, 2]})
    assert because(prepare_export(a_list(), contacts=today, contact_cap_max=2)) == {"c1": CAP}
    assert because(prepare_export(a_list(), contacts=today)) == {}


def test_reasons_stay_inside_unless_asked_for():
    rows = a_list()
    plain = prepare_export(rows)
    assert not set(REASONS) & set(plain.send.columns)
    assert not {"p_churn", "expected_profit", "clv"} & set(plain.send.columns)
    assert prepare_export(rows, with_reasons=True).send["reason_1"].iloc[0] == "last order 74 days ago"


def test_formulas_are_defused():
    frame = pd.DataFrame({"a": ["=1+1", "+49-A1", "-x", "@me", "\tx", "a=b", None], "n": [-1.0] * 7})
    safe = safe_cells(frame)
    assert safe["a"].tolist()[:6] == ["'=1+1", "'+49-A1", "'-x", "'@me", "'\tx", "a=b"]
    assert pd.isna(safe["a"].iloc[6])
    assert safe["n"].tolist() == [-1.0] * 7
    assert frame["a"].iloc[0] == "=1+1"
    assert safe_cells(pd.DataFrame({"a": ["+490000198", "-7.5"]}))["a"].tolist() == ["+490000198", "-7.5"]
    rows = a_list().assign(owner="=cmd()")
    assert set(prepare_export(rows).send["owner"]) == {"'=cmd()"}
    assert set(prepare_export(rows, spreadsheet_safe=False).send["owner"]) == {"=cmd()"}


def test_who_was_not_selected_is_in_the_suppression_file():
    rows = build_list(
        pd.DataFrame({"customer_id": ["a", "b"], "cutoff": CUTOFF, "p_churn": [0.5, 0.0], "loss_if_silent": 1000.0,
                      "consent_channels": "*"}),
        [Offer("call", contact_cost=1.0, effect_assumed=0.1)],
        Policy(),
    ).frame  # fmt: skip
    assert because(prepare_export(rows)) == {"b": "not profitable"}


def test_a_frame_that_is_no_list_is_refused():
    with pytest.raises(DataError, match="the list lacks column"):
        prepare_export(pd.DataFrame({"customer_id": ["a"]}))
    with pytest.raises(DataError, match="the purchases lacks column at"):
        prepare_export(a_list(), purchases=pd.DataFrame({"customer_id": ["a"]}))
