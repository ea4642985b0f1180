"""The rules of one round: money, holdout, contact cap, what may gate an offer."""

import math
from dataclasses import dataclass

from holdfast.errors import ConfigError


@dataclass(frozen=True)
class Policy:
    """Settings of one round of targeting.

    Parameters
    ----------
    budget : float or None
        Limit on the summed *expected* cost of the treated; None: no limit.
    holdout : float
        Smallest share of the selected customers who are held out (0 to 0.5).
    contact_cap_days, contact_cap_max : int or None
        At most `contact_cap_max` contacts within `contact_cap_days`; None: no cap.
    gate_by_indicated : bool
        Whether reasons that SHAP only points at may gate an offer.
    global_holdout : float
        Share of all customers who are never treated, kept across rounds (0 to 0.5).
    seed : int
        Of the holdout's draw.
    margin : float
        Profit per unit of money in `loss_if_silent`, `loss_low`, `loss_high`. 1.0 when these columns are
        margins already; the firm's margin when they are revenue.
    power : float
        Wanted chance of seeing the assumed effect (0.5 to below 1).

    Raises
    ------
    ConfigError
        For a value out of range.

    Examples
    --------
    >>> Policy(budget=5000).holdout
    0.1
    """

    budget: float | None = None
    holdout: float = 0.10
    contact_cap_days: int | None = None
    contact_cap_max: int | None = None
    gate_by_indicated: bool = False
    global_holdout: float = 0.0
    seed: int = 0
    margin: float = 1.0
    power: float = 0.8

    def __post_init__(self) -> None:
        if self.budget is not None and not (math.isfinite(self.budget) and 0 <= self.budget <= 1e12):
            raise ConfigError(f"targeting: budget {self.budget}: expected an amount of money, zero or more")
        for field, low, high in (("holdout", 0.0, 0.5), ("global_holdout", 0.0, 0.5), ("margin", 0.0, math.inf)):
            value = getattr(self, field)
            if not (math.isfinite(value) and low <= value <= high):
                raise ConfigError(f"targeting: {field} {value}: expected a number from {low:g} to {high:g}")
        if not 0.5 <= self.power < 1.0:
            raise ConfigError(f"targeting: power {self.power}: expected a share from 0.5 to below 1")
        for field in ("contact_cap_days", "contact_cap_max"):
            value = getattr(self, field)
            if value is not None and value < 0:
                raise ConfigError(f"targeting: {field} {value}: expected zero or more")
