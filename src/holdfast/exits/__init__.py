"""Exit management: how many leave, why, what it costs, and how much may be spent against it."""

from holdfast.exits.distribution import leaver_distribution
from holdfast.exits.ledger import justified_spend, net_benefit, pays, profit_lost
from holdfast.exits.rate import churn_rate, wilson

__all__ = ["churn_rate", "justified_spend", "leaver_distribution", "net_benefit", "pays", "profit_lost", "wilson"]
