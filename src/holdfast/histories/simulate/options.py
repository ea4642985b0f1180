"""Knobs of the simulated world, its causes of exit and its past campaigns."""

from dataclasses import dataclass
from datetime import date

from holdfast.errors import ConfigError
from holdfast.schema import EXIT_CLASSES
from holdfast.windows import shift

CAUSES = (*EXIT_CLASSES, "deceased", "annoyed")
"""Planted causes; `annoyed` (provoked by a campaign) counts as class `service`, `deceased` as no class."""

PRICE, PRODUCT, SERVICE, MARKET, TECHNOLOGY, POLITICAL, DECEASED, ANNOYED = range(len(CAUSES))

CAUSE_CLASSES = (*EXIT_CLASSES, "deceased", "service")
"""What the truth tables call each cause."""

NOT_INFLUENCEABLE = (MARKET, DECEASED)

REACH_DAYS = 67.0
"""A campaign bears on exits within this many days after contact: a lead of 7 and a horizon of 60."""

BOUNCE_RATE = 0.03

_DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True)
class WorldOptions:
    """What can be varied beside the size of the world.

    Parameters
    ----------
    end : date
        Midnight at which the data end.
    season_strength : float
        Amplitude of the yearly cycle of buying, 0 (none) to below 1.
    drift : float
        Yearly change of all onset rates on the log scale.
    exit_rate : float
        Factor on the onset rates of all causes.
    subscription_share : float
        Share of customers with a contract.
    trial_share : float
        Share of the active customers who enter each past trial.
    imitation : float
        Share of the points programme's effect that a competitor's copy erases.
    imitation_at, competitor_shock_at, technology_shock_at : float or None
        When it happens, as a share of the window; None: never.
    shock_factor : float
        Factor on the onset rate of the class concerned after a shock.
    return_rate : float
        Factor on the share of leavers who come back.
    """

    end: date = date(2025, 1, 1)
    season_strength: float = 0.3
    drift: float = 0.0
    exit_rate: float = 1.0
    subscription_share: float = 0.25
    trial_share: float = 0.3
    imitation: float = 0.0
    imitation_at: float | None = 0.5
    competitor_shock_at: float | None = None
    technology_shock_at: float | None = 0.6
    shock_factor: float = 1.6
    return_rate: float = 1.0

    def __post_init__(self) -> None:
        shares = {
            "subscription_share": self.subscription_share, "trial_share": self.trial_share, "imitation": self.imitation,
            "imitation_at": self.imitation_at, "competitor_shock_at": self.competitor_shock_at,
            "technology_shock_at": self.technology_shock_at,
        }  # fmt: skip
        for name, value in shares.items():
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(f"world option {name} = {value}: expected a share between 0 and 1")
        if not 0 <= self.season_strength < 1:
            raise ConfigError(f"world option season_strength = {self.season_strength}: expected at least 0, below 1")
        factors = {"exit_rate": self.exit_rate, "shock_factor": self.shock_factor, "return_rate": self.return_rate}
        for name, value in factors.items():
            if value < 0:
                raise ConfigError(f"world option {name} = {value}: expected a factor of 0 or more")


@dataclass(frozen=True)
class Clock:
    """The window of the world; times inside are days since `start` (float)."""

    start: date
    days: float

    @classmethod
    def ending(cls, end: date, months: int) -> "Clock":
        """Window of `months` mean months (30.4375 days, rounded in total) that ends at midnight `end`.

        Examples
        --------
        >>> Clock.ending(date(2025, 1, 1), 24)
        Clock(start=datetime.date(2023, 1, 2), days=730.0)
        """
        days = round(months * _DAYS_PER_MONTH)
        return cls(shift(end, -days), float(days))

    def moment(self, share: float | None) -> float:
        """Day at a share of the window; infinity for None."""
        return float("inf") if share is None else share * self.days


@dataclass(frozen=True)
class SimulatedOffer:
    """An offer with its planted effect.

    Parameters
    ----------
    name, bond, programme : str
        As in the config's `offers`.
    cause : int or None
        Index into `CAUSES` of the class that the offer answers.
    save : float
        Share of responsive would-be leavers of that class who stay when contacted.
    save_other : float
        The same for would-be leavers of the other influenceable classes.
    provoke : float
        Share of easily annoyed would-be stayers who leave because of the contact.
    contact_cost, incentive_cost : float
        Money per contact; money per redeemed incentive.
    accept : float
        Share who redeem.
    propensity : float
        Share treated in the trial; 1: everybody was treated and nothing can be measured.
    """

    name: str
    bond: str
    programme: str
    cause: int | None
    save: float
    save_other: float
    provoke: float
    contact_cost: float
    incentive_cost: float
    accept: float
    channel: str
    propensity: float = 0.5


OFFERS = (
    SimulatedOffer("voucher10", "financial", "frequency", PRICE, 0.70, 0.30, 0.04, 0.2, 10.0, 0.30, "email"),
    SimulatedOffer("care_call", "social", "contact", SERVICE, 0.80, 0.30, 0.02, 4.0, 0.0, 0.0, "phone"),
    SimulatedOffer("quality_exchange", "structural", "customised", PRODUCT, 0.70, 0.20, 0.02, 0.5, 15.0, 0.15, "email"),
    SimulatedOffer("upgrade_trial", "structural", "customised", TECHNOLOGY, 0.70, 0.15, 0.03, 0.5, 20.0, 0.10, "email"),
    SimulatedOffer("club_year", "social", "club", POLITICAL, 0.35, 0.15, 0.08, 1.0, 5.0, 0.20, "post", 0.6),
    SimulatedOffer("double_points", "financial", "frequency", PRICE, 0.35, 0.25, 0.01, 0.1, 4.0, 0.50, "email"),
)
"""Offers with a randomised past trial each."""

NEWSLETTER = SimulatedOffer(
    "newsletter", "brand", "contact", None, 0.0, 0.0, 0.02, 0.05, 0.0, 0.0, "email", propensity=1.0
)
"""Sent to everybody: there is no control, so its effect cannot be measured."""
