"""Random histories of a few customers in every table, for the laws of the core rooms."""

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pandas as pd

from holdfast.histories.histories import Histories

START = date(2022, 6, 1)
DAYS = 420
CUTOFFS = (date(2022, 9, 20), date(2023, 1, 1), date(2023, 4, 30))
"""Cutoffs inside the random histories; many rows lie on them and just beside them."""

_EDGES = [cutoff + timedelta(days=k) for cutoff in CUTOFFS for k in (-1, 0, 1)]
_CLOCK = ("00:00:00", "00:00:00", "00:00:01", "09:30:00", "14:05:10", "23:59:59.999999")


class Draw:
    """Seeded draws of columns with n rows."""

    def __init__(self, seed: int, n: int, customers: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.n, self.customers = n, customers

    def pick(self, *values: object) -> list[object]:
        return [values[k] for k in self.rng.integers(len(values), size=self.n)]

    def ids(self) -> list[object]:
        return self.pick(*(f"c{k}" for k in range(self.customers)))

    def time(self) -> pd.Series:
        days = [
            _EDGES[self.rng.integers(len(_EDGES))] if self.rng.random() < 0.15
            else START + timedelta(days=int(self.rng.integers(DAYS)))
            for _ in range(self.n)
        ]  # fmt: skip
        return pd.to_datetime(
            [f"{day} {clock}" for day, clock in zip(days, self.pick(*_CLOCK), strict=True)], format="ISO8601"
        )

    def later(self, time: pd.Series, share: float = 0.7) -> pd.Series:
        """Some days after `time`, missing for the rest."""
        wait = pd.to_timedelta(self.rng.integers(0, 200, self.n) * (self.rng.random(self.n) < 0.8), unit="D")
        return pd.Series(time + wait).where(self.rng.random(self.n) < share)

    def money(self, low: float = -30, high: float = 90) -> np.ndarray:
        return np.round(self.rng.uniform(low, high, self.n), 2) * (self.rng.random(self.n) > 0.05)


def random_frames(seed: int, *, late: bool, rows: int = 60, customers: int = 5) -> dict[str, pd.DataFrame]:
    """One frame per canonical table that features or tasks read."""
    frames: dict[str, pd.DataFrame] = {}
    for k, (name, build) in enumerate(_BUILDERS.items()):
        n = rows if name in {"purchases", "events"} else 12
        draw = Draw(seed * 31 + k, n, customers)
        frame = build(draw)
        if late:
            time = frame[{"contracts": "started_at", "memberships": "joined_at"}.get(name, "at")]
            frame["known_at"] = draw.later(time, 0.4)
        frames[name] = frame
    draw = Draw(seed * 31 + 30, customers + 1, customers)
    frames["customers"] = pd.DataFrame(
        {
            "customer_id": [f"c{k}" for k in range(customers + 1)],
            "joined_at": draw.time(),
            "birth_date": draw.pick("1950-05-05", "1988-01-01", None),
            "region": draw.pick("north", "south", None),
            "Colour": draw.pick("red", "blue", None),
            "Size (cm)": draw.money(),
        }
    )
    return frames


def random_histories(seed: int, *, late: bool, **options: int) -> Histories:
    """Histories over `random_frames`."""
    return Histories.from_frames(random_frames(seed, late=late, **options))


def _purchases(draw: Draw) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": draw.ids(), "at": draw.time(), "amount": draw.money(),
            "order_id": draw.pick(None, *(f"o{k}" for k in range(25))),
            "product_id": draw.pick(None, "p1", "p2", "p3", "p4"),
            "category": draw.pick("x", "y", None), "quantity": draw.pick(1, 2, 5), "unit_price": draw.money(1, 9),
            "list_price": draw.money(1, 12),
        }
    )  # fmt: skip


def _contracts(draw: Draw) -> pd.DataFrame:
    start = draw.time()
    return pd.DataFrame(
        {
            "customer_id": draw.ids(), "started_at": start, "ended_at": draw.later(start),
            "end_reason": draw.pick("price", "Claim", None), "plan": draw.pick("a", "b"), "price": draw.money(5, 50),
            "term_months": draw.pick(1, 12, None), "market_price": draw.money(5, 50),
        }
    )  # fmt: skip


def _contacts(draw: Draw) -> pd.DataFrame:
    at = draw.time()
    return pd.DataFrame(
        {
            "customer_id": draw.ids(), "at": at, "direction": draw.pick("inbound", "outbound"),
            "purpose": draw.pick("price", "service", "move"), "responded_at": draw.later(at),
        }
    )  # fmt: skip


def _complaints(draw: Draw) -> pd.DataFrame:
    at = draw.time()
    return pd.DataFrame(
        {
            "customer_id": draw.ids(), "at": at, "topic": draw.pick("price", "quality", None),
            "responded_at": draw.later(at), "resolved_at": draw.later(at),
        }
    )  # fmt: skip


def _surveys(draw: Draw) -> pd.DataFrame:
    answers = {name: draw.pick(1.0, 4.0, 7.5, None) for name in ("trust", "commitment", "satisfaction", "nps")}
    return pd.DataFrame({"customer_id": draw.ids(), "at": draw.time()} | answers)


def _campaigns(draw: Draw) -> pd.DataFrame:
    at = draw.time()
    return pd.DataFrame(
        {
            "customer_id": draw.ids(), "offer": "o", "arm": draw.pick("treated", "control"), "at": at,
            "redeemed_at": draw.later(at), "outcome": draw.pick(0.0, 1.0),
        }
    )  # fmt: skip


def _memberships(draw: Draw) -> pd.DataFrame:
    at = draw.time()
    return pd.DataFrame(
        {
            "customer_id": draw.ids(), "programme": draw.pick("club", "miles"), "joined_at": at,
            "left_at": draw.later(at), "points": draw.pick(10.0, 250.5),
        }
    )  # fmt: skip


def _payments(draw: Draw) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": draw.ids(), "at": draw.time(), "amount": draw.money(),
            "status": draw.pick("paid", "failed"),
        }
    )  # fmt: skip


def _events(draw: Draw) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": draw.ids(), "at": draw.time(), "kind": draw.pick("usage", "visit")})


def _referrals(draw: Draw) -> pd.DataFrame:
    return pd.DataFrame({"referrer_id": draw.ids(), "referred_id": draw.ids(), "at": draw.time()})


_BUILDERS: Mapping[str, object] = {
    "purchases": _purchases,
    "contracts": _contracts,
    "contacts": _contacts,
    "complaints": _complaints,
    "surveys": _surveys,
    "campaigns": _campaigns,
    "memberships": _memberships,
    "payments": _payments,
    "events": _events,
    "referrals": _referrals,
}
