import pandas as pd
import pytest

from holdfast.errors import DataError
from holdfast.targeting.difference import diff_lists, summarise_diff


def a_list(*rows):
    names = ["customer_id", "arm", "suppressed_because", "p_churn", "loss_if_silent", "planned_offer"]
    return pd.DataFrame(rows, columns=names).assign(rank=lambda d: range(1, len(d) + 1))


OLD = a_list(
    ("same", "treat", None, 0.5, 100.0, "call"),
    ("risk", "treat", None, 0.2, 100.0, "call"),
    ("offer", "treat", None, 0.5, 100.0, "call"),
    ("gone", "treat", None, 0.5, 100.0, "call"),
    ("capped", "holdout", None, 0.5, 100.0, "call"),
    ("poor", "none", "budget", 0.5, 100.0, None),
    ("never", "none", "budget", 0.5, 100.0, None),
)
NEW = a_list(
    ("same", "treat", None, 0.9, 100.0, "call"),
    ("poor", "treat", None, 0.5, 100.0, "call"),
    ("risk", "treat", None, 0.4, 101.0, "call"),
    ("fresh", "treat", None, 0.5, 100.0, "call"),
    ("offer", "holdout", None, 0.5, 100.0, "mail"),
    ("capped", "none", "contact cap reached", 0.5, 100.0, None),
    ("never", "none", "budget", 0.5, 100.0, None),
)


def test_everybody_has_one_change_and_a_reason():
    diff = diff_lists(OLD, NEW)
    assert dict(zip(diff["customer_id"], zip(diff["change"], diff["why"], strict=True), strict=True)) == {
        "poor": ("came", "was: budget"),
        "fresh": ("came", "not considered before"),
        "gone": ("went", "no longer considered"),
        "capped": ("went", "now: contact cap reached"),
        "risk": ("moved", "risk rose from 0.20 to 0.40"),
        "offer": ("moved", "offer call became mail; arm treat became holdout"),
        "same": ("same", ""),
    }
    assert diff["change"].tolist() == ["came", "came", "went", "went", "moved", "moved", "same"]


def test_ranks_are_those_of_the_lists():
    diff = diff_lists(OLD, NEW).set_index("customer_id")
    assert diff.loc["risk", ["old_rank", "new_rank"]].tolist() == [2, 3]
    assert pd.isna(diff.loc["fresh", "old_rank"])
    assert pd.isna(diff.loc["gone", "new_rank"])


def test_a_move_without_a_cause_of_its_own():
    old = a_list(("a", "treat", None, 0.5, 100.0, "call"), ("b", "treat", None, 0.5, 100.0, "call"))
    assert diff_lists(old, old.iloc[[1]].assign(rank=1))["why"].tolist() == [
        "no longer considered",
        "others around it changed",
    ]


def test_the_summary_reconciles():
    """H4: who came, went and moved reconcile."""
    summary = summarise_diff(diff_lists(OLD, NEW))
    assert {key: summary[key] for key in ("came", "went", "moved", "same", "n_old", "n_new")} == {
        "came": 2, "went": 2, "moved": 2, "same": 1, "n_old": 5, "n_new": 5}  # fmt: skip
    assert summary["why"]["went"] == {"no longer considered": 1, "now: contact cap reached": 1}


def test_what_is_no_list_is_refused():
    with pytest.raises(DataError, match="the new list lacks column arm"):
        diff_lists(OLD, NEW.drop(columns="arm"))
    with pytest.raises(DataError, match="the old list holds a customer twice"):
        diff_lists(pd.concat([OLD, OLD]), NEW)
