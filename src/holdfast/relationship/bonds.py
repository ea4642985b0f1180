"""What ties a customer, and how the firm treats the tie: bonding level and relationship-marketing level (D1, D2)."""

import pandas as pd

from holdfast.relationship.facts import Facts
from holdfast.relationship.scheme import Scheme, choose, told

PROACTIVE_QUARTERS = 3
"""Quarters of the last year with a contact of care that make it a habit."""


def _bond(facts: Facts) -> pd.DataFrame:
    """Structural: a contract in force. Social: a club, a manager, visits. Financial: points, redeemed or discounted."""
    contracts, clubs, managers, visits = (
        facts.count(name) for name in ("contracts_live", "clubs_live", "managed_live", "visits_year")
    )
    points, redeemed, discounted = (
        facts.count(name) for name in ("memberships_points", "offers_redeemed_year", "offers_discounted_year")
    )
    level = choose(
        [(contracts > 0, "structural"), (clubs + managers + visits > 0, "social"),
         (points + redeemed + discounted > 0, "financial")], "none",
    )  # fmt: skip
    evidence = told(contracts_in_force=contracts, clubs=clubs, managers=managers, visits=visits,
                    points_programmes=points, offers_redeemed=redeemed, lines_below_list_price=discounted)  # fmt: skip
    return pd.DataFrame({"level": level, "evidence": evidence})


BONDING = Scheme(
    "bonding_level", "D1",
    {
        "none": "nothing ties this customer: begin with a reason to come back",
        "financial": "points and discounts are copied easily and fade: add a personal tie",
        "social": "keep the personal tie alive, and offer a service that rivals do not have",
        "structural": "earn what the contract holds: service that is worth staying for",
    },
    _bond,
    (("contracts_live",), ("memberships_live",), ("managed_live",), ("offers_redeemed_year",),
     ("offers_discounted_year",)),
    "table of contracts, memberships, managers or campaigns, and no list prices",
)  # fmt: skip
"""Berry & Parasuraman (1991), Marketing Services: three levels of bonds."""


def _marketing(facts: Facts) -> pd.DataFrame:
    """By what the firm does of its own accord; a customer who only calls in never gets beyond reactive."""
    inbound, outbound = facts.count("inbound_year"), facts.count("outbound_year")
    follow, quarters = facts.count("follow_ups_year"), facts.count("care_quarters")
    planned = facts.count("managed_planned")
    proactive = quarters >= PROACTIVE_QUARTERS
    level = choose(
        [(proactive & (planned > 0) & (inbound > 0), "partnership"), (proactive, "proactive"),
         (follow > 0, "accountable"), (inbound + outbound > 0, "reactive")], "basic",
    )  # fmt: skip
    # outbound contact that is no follow-up and no care sells: it leaves the customer with the level of whoever may call
    evidence = told(contacts_by_the_customer=inbound, contacts_by_the_firm=outbound, follow_ups_after_a_purchase=follow,
                    quarters_with_care=quarters, plans_of_a_manager=planned)  # fmt: skip
    return pd.DataFrame({"level": level, "evidence": evidence})


MARKETING = Scheme(
    "marketing_level", "D2",
    {
        "basic": "sell, and say whom to call",
        "reactive": "answer whoever calls; ask after the purchase whether it was right",
        "accountable": "keep asking after each purchase, and report what was changed",
        "proactive": "bring suggestions before they are asked for, at a rhythm that the customer permits",
        "partnership": "plan the year together and review it",
    },
    _marketing,
    (("inbound_year",),),
    "table of contacts with their direction",
)  # fmt: skip
"""Kotler & Keller, Marketing Management: five levels of relationship marketing."""
