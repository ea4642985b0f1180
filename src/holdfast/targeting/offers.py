"""What can be offered to a customer, what it costs and what it is assumed to bring."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from holdfast.errors import ConfigError
from holdfast.schema import EXIT_CLASSES
from holdfast.targeting.eligibility import parse

BONDS = ("financial", "social", "structural")
"""Bonding levels of an offer (domain D1)."""

EFFECTS_OF = ("leavers", "contacted")
EFFECT_SOURCES = ("assumed", "observed", "measured")
RECOVERY = "recovery"
"""The programme that repairs an open fault; the only one a customer with an open complaint may get (D12)."""


@dataclass(frozen=True)
class Offer:
    """One offer of the firm.

    Parameters
    ----------
    name : str
        Unique among the offers.
    bond : str or None
        `financial`, `social` or `structural`.
    programme : str or None
        Programme it belongs to, in the firm's words; `recovery` marks the repair of an open fault.
    reasons : tuple of str
        Exit classes it fits; empty: it fits everybody.
    contact_cost, incentive_cost : float
        Money per contacted customer, and per customer who redeems the incentive.
    accept_stayers, accept_leavers : float
        Share who redeem, among those who would have stayed anyway and among the would-be leavers.
    effect_assumed : float
        Share of the would-be leavers who stay because of it, or points among all contacted (`effect_of`);
        negative when the contact drives people away.
    effect_of : str
        `leavers` or `contacted`.
    channels : tuple of str
        In order of preference; empty: it can go by any channel.
    capacity : int or None
        Largest number of customers who can get it in one round.
    eligible : str or None
        Condition over list columns, such as ``"clv > 50"`` (see `eligibility`).
    effect_source : str
        `assumed`, `observed` or `measured`.

    Raises
    ------
    ConfigError
        For a value out of range; the line names the offer and the field.

    Examples
    --------
    >>> Offer("voucher10", incentive_cost=10.0, accept_stayers=0.3, accept_leavers=0.3).worst_case
    10.0
    """

    name: str
    bond: str | None = None
    programme: str | None = None
    reasons: tuple[str, ...] = ()
    contact_cost: float = 0.0
    incentive_cost: float = 0.0
    accept_stayers: float = 1.0
    accept_leavers: float = 1.0
    effect_assumed: float = 0.0
    effect_of: str = "leavers"
    channels: tuple[str, ...] = ()
    capacity: int | None = None
    eligible: str | None = None
    effect_source: str = "assumed"

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ConfigError("offers: an offer without a name; expected a short text such as voucher10")
        for field in ("contact_cost", "incentive_cost"):
            self._within(field, 0.0, 1e9)
        for field in ("accept_stayers", "accept_leavers"):
            self._within(field, 0.0, 1.0)
        self._within("effect_assumed", -1.0, 1.0)
        self._one_of("effect_of", self.effect_of, EFFECTS_OF)
        self._one_of("effect_source", self.effect_source, EFFECT_SOURCES)
        if self.bond is not None:
            self._one_of("bond", self.bond, BONDS)
        for reason in self.reasons:
            self._one_of("reasons", reason, EXIT_CLASSES)
        if any(not channel.strip() or "|" in channel for channel in self.channels):
            raise ConfigError(f"offer {self.name}: channels: expected names without '|', came {list(self.channels)}")
        if self.capacity is not None and self.capacity < 0:
            raise ConfigError(f"offer {self.name}: capacity {self.capacity}: expected zero or more customers")
        if self.eligible is not None:
            parse(self.eligible, f"offer {self.name}")

    @property
    def worst_case(self) -> float:
        """Cost of one contact when the incentive is redeemed for certain."""
        return self.contact_cost + self.incentive_cost

    def _within(self, field: str, low: float, high: float) -> None:
        value = getattr(self, field)
        if not (math.isfinite(value) and low <= value <= high):
            raise ConfigError(f"offer {self.name}: {field} {value}: expected a number from {low:g} to {high:g}")

    def _one_of(self, field: str, value: str, allowed: Sequence[str]) -> None:
        if value not in allowed:
            near = get_close_matches(value, allowed, n=1, cutoff=0.0)[0]
            raise ConfigError(
                f"offer {self.name}: {field} {value!r}: expected one of {', '.join(allowed)}; nearest: {near}"
            )


def require_distinct(offers: Sequence[Offer]) -> None:
    """Refuse two offers of one name.

    Raises
    ------
    ConfigError
        Naming the double.
    """
    seen: set[str] = set()
    for offer in offers:
        if offer.name in seen:
            raise ConfigError(f"offers: {offer.name!r} appears twice; expected a name of its own for each offer")
        seen.add(offer.name)
