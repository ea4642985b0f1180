"""Other signals, one column each, and basics before delight (D11, D12)."""

import numpy as np
import pandas as pd

from holdfast.relationship.facts import Facts
from holdfast.relationship.scheme import Scheme, choose, told


def signals(facts: Facts) -> pd.DataFrame:
    """Signals of a relationship that no level holds (D11).

    Returns
    -------
    DataFrame
        `promises_kept`: share of contacts and complaints answered within a week; `two_way`: the smaller over the
        larger of contacts by customer and firm; `preferred_channel` and `preferred_channel_share`; `failed_moments`:
        unanswered contacts, open complaints, returns and repeated causes; `goodwill`: what went well (redeemed offers,
        referrals, complaints followed up) less what failed; `give_and_take`: contacts of care less contacts that sell,
        over both. Missing where the tables are, or where nothing happened that the share could be of.
    """
    asked, answered = facts.count("asked_contacts"), facts.count("answers_contacts")
    complained, replied = facts.count("complaints_all"), facts.count("complaints_answered")
    inbound, outbound = facts.count("inbound_year"), facts.count("outbound_year")
    care = facts.count("care_year")
    failed = (
        facts.count("unanswered_fresh")
        + facts.count("open_complaints")
        + facts.count("returns_year")
        + (facts.count("complaints_same_topic") - 1).clip(lower=0)
    )
    good = (
        facts.count("offers_redeemed_year") + facts.count("referrals_all") + facts.count("complaints_followed_up")
    )  # fmt: skip
    index = facts.frame.index
    text = facts.frame["preferred_channel"] if facts.has("preferred_channel") else pd.Series(None, index=index)
    known = facts.has("inbound_year") or facts.has("complaints_all")
    return pd.DataFrame({
        "promises_kept": _share(answered + replied, asked + complained),
        "two_way": _share(inbound.clip(upper=outbound), inbound.where(inbound > outbound, outbound)),
        "preferred_channel": text.astype(object),
        "preferred_channel_share": facts.value("preferred_share"),
        "failed_moments": failed if known else np.nan, "goodwill": good - failed if known else np.nan,
        "give_and_take": _share(2 * care - outbound, outbound) if facts.has("care_year") else np.nan,
    }, index=index)  # fmt: skip


def _share(part: "pd.Series[float]", whole: "pd.Series[float]") -> "pd.Series[float]":
    return (part / whole.where(whole > 0)).astype(float)


def _basics(facts: Facts) -> pd.DataFrame:
    """An open complaint or an unanswered request of the last quarter is a fault that comes before any gift."""
    open_, unanswered = facts.count("open_complaints"), facts.count("unanswered_fresh")
    level = choose([(open_ + unanswered > 0, "recover first")], "free for delight")
    return pd.DataFrame({"level": level, "evidence": told(open_complaints=open_, unanswered_requests=unanswered)})


BASICS = Scheme(
    "basics", "D12",
    {
        "recover first": "no gift and no upsell before the fault is put right",
        "free for delight": "nothing stands in the way",
    },
    _basics,
    (("open_complaints",), ("unanswered_fresh",)),
    "table of complaints, or of contacts with their answers",
)  # fmt: skip
