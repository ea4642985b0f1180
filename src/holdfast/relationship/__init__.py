"""Where each customer stands with the firm: rules on what is known of it, one scheme per module."""

from holdfast.relationship.loyalty import STRATEGY, attachment, evidence, switching_cost
from holdfast.relationship.tiers import TIERS, tier_probabilities

__all__ = ["STRATEGY", "TIERS", "attachment", "evidence", "switching_cost", "tier_probabilities"]
