"""Where each customer stands with the firm: rules on what is known of it, one scheme per module."""

from holdfast.relationship.bonds import BONDING, MARKETING
from holdfast.relationship.facts import Facts, gather
from holdfast.relationship.loyalty import STRATEGY, attachment, evidence, switching_cost
from holdfast.relationship.nearness import CLOSENESS, TRUST, one_employee
from holdfast.relationship.quality import COMPLAINT, QUALITY, SATISFACTION, cronbach_alpha, relationship_quality
from holdfast.relationship.scheme import NOT_MEASURED, Scheme
from holdfast.relationship.signals import BASICS, signals
from holdfast.relationship.stages import LIFECYCLE, TIER, transition_matrix
from holdfast.relationship.tiers import TIERS, tier_probabilities

SCHEMES = (
    BONDING, MARKETING, CLOSENESS, LIFECYCLE, TIER, TRUST, QUALITY, SATISFACTION, COMPLAINT, BASICS,
)  # fmt: skip
"""All schemes, D1 to D12; each is a column of its own and they are never merged."""

__all__ = [
    "BASICS",
    "BONDING",
    "CLOSENESS",
    "COMPLAINT",
    "LIFECYCLE",
    "MARKETING",
    "NOT_MEASURED",
    "QUALITY",
    "SATISFACTION",
    "SCHEMES",
    "STRATEGY",
    "TIER",
    "TIERS",
    "TRUST",
    "Facts",
    "Scheme",
    "attachment",
    "cronbach_alpha",
    "evidence",
    "gather",
    "one_employee",
    "relationship_quality",
    "signals",
    "switching_cost",
    "tier_probabilities",
    "transition_matrix",
]
