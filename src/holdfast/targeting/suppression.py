"""Who must not be targeted, and why: the first rule that applies, in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from holdfast.targeting.customers import is_true, texts
from holdfast.targeting.eligibility import eligible
from holdfast.targeting.offers import RECOVERY, Offer
from holdfast.targeting.policy import Policy
from holdfast.targeting.reasons import reason_fits

LOST = "already lost"
NOT_INFLUENCEABLE = "not influenceable (moved or died)"
NO_CONSENT = "consent withdrawn or not given"
NO_CHANNEL = "no permitted channel"
CAP = "contact cap reached"
COMPLAINT = "open complaint: recover first"
NO_VALUE = "value not measured"
NEGATIVE = "negative value"
NO_OFFER = "no eligible offer"
NOT_PROFITABLE = "not profitable"
BUDGET = "budget"
CAPACITY = "capacity"
GLOBAL = "global holdout"
ORDER = (
    LOST, NOT_INFLUENCEABLE, NO_CONSENT, NO_CHANNEL, CAP, COMPLAINT, NO_VALUE, NEGATIVE, NO_OFFER, NOT_PROFITABLE,
    GLOBAL, BUDGET, CAPACITY,
)  # fmt: skip
"""All reasons in the order in which they are tried."""

GRANTED, NOT_RECORDED = "granted", "not recorded"
_LOST_STATES = ("lost", LOST)
_ANY = "*"


@dataclass(frozen=True)
class Admission:
    """What may be offered to whom, before any money is counted.

    Attributes
    ----------
    channel : ndarray of object, shape (n, offers)
        Channel by which an offer would go; "" when none has to be named.
    admissible : ndarray of bool, shape (n, offers)
        Whether the offer may be made.
    because : ndarray of object, shape (n,)
        Reason of suppression, "" for those who pass.
    consent_basis : str
        `granted` or `not recorded`.
    """

    channel: NDArray[np.object_]
    admissible: NDArray[np.bool_]
    because: NDArray[np.object_]
    consent_basis: str


def admit(customers: pd.DataFrame, best: pd.DataFrame, offers: Sequence[Offer], policy: Policy) -> Admission:
    """Apply all rules that do not depend on profit.

    Parameters
    ----------
    customers : pandas.DataFrame
        As `customers.prepare` gives it, with the columns of `best` beside.
    best : pandas.DataFrame
        Result of `reasons.best_reason`.
    offers, policy
        What is on offer, and the rules.

    Notes
    -----
    As soon as one customer has a consent recorded there is a consents table, and whoever has none may not
    be contacted. Exits of the class `market` (moved away) that are stated or predicted count as not
    influenceable unless `influenceable` says otherwise (domain A8). With an open complaint only offers of
    the programme `recovery` are left (D12).
    """
    permitted = texts(customers["consent_channels"])
    recorded = any(value is not None for value in permitted)
    channel = _channels(permitted, recorded, offers)
    reachable = _has_channel(channel)
    channel = np.where(reachable, channel, "")
    fits = reason_fits(best, offers, policy.gate_by_indicated) & reachable & _conditions(customers, offers)
    complaint = is_true(customers["open_complaint"])
    recovery = np.array([offer.programme == RECOVERY for offer in offers], dtype=bool)
    allowed = fits & (~complaint[:, None] | recovery[None, :])
    loss, clv = customers["loss_if_silent"].to_numpy(float), customers["clv"].to_numpy(float)
    rules = (
        (LOST, is_true(customers["already_lost"]) | customers["history_state"].isin(_LOST_STATES).to_numpy(bool)),
        (NOT_INFLUENCEABLE, _beyond_influence(customers, best)),
        (NO_CONSENT, np.array([recorded and not _split(value) for value in permitted], dtype=bool)),
        (NO_CHANNEL, ~reachable.any(axis=1) if len(offers) else np.zeros(len(customers), dtype=bool)),
        (CAP, _over_cap(customers, policy)),
        (COMPLAINT, complaint & ~allowed.any(axis=1)),
        (NO_VALUE, np.isnan(loss)),
        (NEGATIVE, (loss < 0) | (clv < 0)),
        (NO_OFFER, ~allowed.any(axis=1)),
    )
    because = np.full(len(customers), "", dtype=object)
    for reason, applies in rules:
        because[applies & (because == "")] = reason
    allowed &= (because == "")[:, None]
    return Admission(channel, allowed, because, GRANTED if recorded else NOT_RECORDED)


def _split(channels: str | None) -> list[str]:
    return [part.strip().lower() for part in (channels or "").split("|") if part.strip()]


def _channels(permitted: list[str | None], recorded: bool, offers: Sequence[Offer]) -> NDArray[np.object_]:
    table = np.full((len(permitted), len(offers)), None, dtype=object)
    known: dict[str | None, list[str | None]] = {}
    for row, value in enumerate(permitted):
        if value not in known:
            known[value] = [_channel(_split(value), recorded, offer) for offer in offers]
        table[row] = known[value]
    return table


def _has_channel(channel: NDArray[np.object_]) -> NDArray[np.bool_]:
    flags = [name is not None for name in channel.ravel().tolist()]
    return np.array(flags, dtype=bool).reshape(channel.shape)


def _channel(permitted: list[str], recorded: bool, offer: Offer) -> str | None:
    """The first of the offer's channels that is permitted; `*` permits all; "" when none has to be named."""
    if not recorded or _ANY in permitted:
        return offer.channels[0] if offer.channels else ""
    if not offer.channels:
        return min(permitted, default=None)
    return next((name for name in offer.channels if name.lower() in permitted), None)


def _conditions(customers: pd.DataFrame, offers: Sequence[Offer]) -> NDArray[np.bool_]:
    table = np.ones((len(customers), len(offers)), dtype=bool)
    for column, offer in enumerate(offers):
        if offer.eligible is not None:
            table[:, column] = eligible(offer.eligible, customers, f"offer {offer.name}").to_numpy()
    return table


def _beyond_influence(customers: pd.DataFrame, best: pd.DataFrame) -> NDArray[np.bool_]:
    said = customers["influenceable"]
    market = (best["exit_reason"] == "market") & best["reason_source"].isin(("stated", "predicted"))
    return said.eq(False).fillna(False).to_numpy(bool) | (market.to_numpy(bool) & said.isna().to_numpy())


def _over_cap(customers: pd.DataFrame, policy: Policy) -> NDArray[np.bool_]:
    if policy.contact_cap_max is None:
        return np.zeros(len(customers), dtype=bool)
    over: NDArray[np.bool_] = customers["contacts_in_cap"].to_numpy(float) >= policy.contact_cap_max
    return over
