"""How near a customer is: closeness, and whom the trust is in (D3, D6)."""

import pandas as pd

from holdfast.relationship.facts import Facts
from holdfast.relationship.scheme import Scheme, choose, in_words, scaled, told

HIGH, LOW = 0.6, 0.4
"""Survey answers on their own range from which trust is high, and below which it is low."""
ONE_EMPLOYEE = 0.8
"""Share of the dealings that went through one employee from which they hang on this person."""
DEALINGS = 3


def _closeness(facts: Facts) -> pd.DataFrame:
    """Two-way and personal, then face to face, then an interest in the brand; without contact and trust: distant."""
    inbound, outbound = facts.count("inbound_year"), facts.count("outbound_year")
    visits, known = facts.count("visits_year"), facts.count("preferences_all")
    managers, trust = facts.count("managed_live"), scaled(facts, "trust")
    shop = facts.frame["preferred_channel"] if "preferred_channel" in facts.frame.columns else None
    personal = (managers > 0) | (known > 0)
    interest = facts.count("looked_visits_year") + facts.count("clubs_live") + facts.count("referrals_year")
    there = visits if shop is None else visits + shop.isin(_PLACES).astype(float) * (inbound + outbound > 0)
    level = choose(
        [((inbound > 0) & (outbound > 0) & personal & ~(trust < LOW), "intimate"),
         ((there > 0) & ~(trust < LOW), "face-to-face"),
         ((interest > 0) | (trust >= HIGH), "brand")], "distant",
    )  # fmt: skip
    evidence = told(contacts_by_the_customer=inbound, contacts_by_the_firm=outbound, visits=visits,
                    preferences_known=known, managers=managers, signs_of_interest=interest)  # fmt: skip
    return pd.DataFrame({"level": level, "evidence": _with_trust(evidence, trust)})


_PLACES = ("shop", "store", "branch", "visit", "in person", "face-to-face")


def _with_trust(evidence: "pd.Series[str]", trust: "pd.Series[float]") -> "pd.Series[str]":
    words = in_words(trust, "; trust {:.2f} of its range")
    return (evidence + words).str.removeprefix("nothing on record; ")


CLOSENESS = Scheme(
    "closeness", "D3",
    {
        "distant": "make contact and win attention; promotions may do it, their effect fades",
        "brand": "tell the story of the brand and show responsibility",
        "face-to-face": "talk, listen, and adjust the offer",
        "intimate": "personal and tailored: use what the customer has told you",
    },
    _closeness,
    (("inbound_year",), ("trust",)),
    "table of contacts with their direction, or of surveys with trust",
)  # fmt: skip


def _trust(facts: Facts) -> pd.DataFrame:
    """By how many dealings there were and with how many people; one employee alone is trust in a person."""
    staffed, people = facts.count("dealings_staffed"), facts.count("dealings_people")
    share, days = facts.value("top_employee_share"), facts.count("purchase_days")
    trust = scaled(facts, "trust")
    one = one_employee(facts)
    level = choose(
        [(one, "trusts a person"),
         ((trust >= HIGH) | ((staffed >= DEALINGS) & (people > 1) & ~(trust < LOW)), "trusts the organisation"),
         ((days > 1) | (staffed > 1), "familiar")], "stranger",
    )  # fmt: skip
    evidence = told(purchase_days=days, dealings_with_named_staff=staffed, employees=people)
    evidence = evidence.where(~one, evidence + in_words(share, "; {:.0%} with one employee"))
    return pd.DataFrame({"level": level, "evidence": _with_trust(evidence, trust)})


def one_employee(facts: Facts) -> "pd.Series[bool]":
    """Whether a customer's dealings hang on one employee: three or more, and four in five with the same (D6, E2)."""
    enough = facts.count("dealings_staffed") >= DEALINGS
    return enough & (facts.value("top_employee_share") >= ONE_EMPLOYEE)


TRUST = Scheme(
    "trust_path", "D6",
    {
        "stranger": "a small first promise, and keep it",
        "familiar": "let the customer meet a person who answers",
        "trusts a person": "introduce a second person: the tie leaves with the employee",
        "trusts the organisation": "keep promises whoever is on duty",
    },
    _trust,
    (("dealings_staffed",), ("trust",), ("purchase_days",)),
    "table of purchases, contacts or surveys",
)  # fmt: skip
