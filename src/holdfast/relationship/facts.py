"""What is known of each customer's dealings with the firm at a cutoff: one row of facts, one scan per table.

The rules of the schemes read nothing else. A fact whose table or column is missing is missing for everybody; where the
table is there and nothing happened, counts are 0. Everything at or after the cutoff is out of sight (`Histories.upto`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pandas as pd

from holdfast.histories.histories import Histories

YEAR = 365
FOLLOW_UP_DAYS = 30
"""Days after a purchase within which a contact by the firm is a follow-up of it."""
ANSWER_DAYS = 7
"""Days within which an answer to a contact or complaint counts as a promise kept."""
FRESH_DAYS = 90
CARE = ("care", "after_sale", "recovery", "service", "visit")
"""Purposes of contacts that give, as against those that sell."""
FACE_TO_FACE = ("shop", "store", "branch", "visit", "in person", "face-to-face")


@dataclass(frozen=True)
class Facts:
    """Facts of everybody with a history at one cutoff.

    Parameters
    ----------
    frame : DataFrame
        A row per customer, sorted by id; the index is the customer.
    at : date
        The cutoff.
    """

    frame: pd.DataFrame
    at: date

    def has(self, *names: str) -> bool:
        """Whether all these facts can be known from the tables at hand."""
        return set(names) <= set(self.frame.columns)

    def count(self, name: str) -> "pd.Series[float]":
        """A count, 0 where nothing happened and also where the table is missing."""
        if name not in self.frame.columns:
            return pd.Series(0.0, index=self.frame.index)
        return self.frame[name].astype(float).fillna(0.0)

    def value(self, name: str) -> "pd.Series[float]":
        """A figure, missing where it is not known."""
        if name not in self.frame.columns:
            return pd.Series(float("nan"), index=self.frame.index)
        return self.frame[name].astype(float)


def gather(histories: Histories, at: date) -> Facts:
    """Facts of every customer with a purchase, a contract or a row in `customers` before a cutoff.

    Parameters
    ----------
    histories : Histories
    at : date
        The cutoff; nothing at or after it is read.

    Examples
    --------
    >>> bought = pd.DataFrame({"customer_id": ["a", "a"], "at": ["2024-01-01", "2024-02-01"], "amount": [5, 7]})
    >>> facts = gather(Histories.from_frames({"purchases": bought}), date(2024, 3, 1))
    >>> facts.frame[["purchase_days", "purchase_days_year", "days_since_purchase"]].values.tolist()
    [[2.0, 2.0, 29.0]]
    """
    known = histories.upto(at)
    moment = f"TIMESTAMP '{at}'"
    with known.connect() as connection:
        base = connection.execute(f"SELECT DISTINCT customer_id FROM ({_everybody(known)}) ORDER BY 1").df()
        frame = base.set_index("customer_id")
        frame.index = frame.index.astype(str)
        for sql in _queries(known, moment):
            part = connection.execute(sql).df().set_index("customer_id")
            part.index = part.index.astype(str)
            frame = frame.join(part, how="left")
    counts = [name for name in frame.columns if name.startswith(_COUNTED) or name.endswith(_COUNTED_ENDS)]
    return Facts(frame.assign(**{name: frame[name].astype(float).fillna(0.0) for name in counts}), at)


_COUNTED = ("purchase_days", "inbound", "outbound", "care_", "follow_ups", "visits", "complaints", "open_", "referrals",
            "memberships", "clubs", "contracts", "managed", "preferences", "usage", "looked", "offers_", "dealings",
            "answers", "asked", "returns", "unanswered")  # fmt: skip
_COUNTED_ENDS = ("_count",)


def _everybody(known: Histories) -> str:
    parts = [f"SELECT customer_id FROM {name}" for name, time in (("purchases", "at"), ("contracts", "started_at"))
             if time in known.columns(name)]  # fmt: skip
    if known.has("customers"):
        parts.append("SELECT customer_id FROM customers")
    return " UNION ".join(parts)


def _queries(known: Histories, now: str) -> Iterator[str]:
    has = {name: set(known.columns(name)) for name in known.tables}
    year, fresh = f"{now} - INTERVAL {YEAR} DAY", f"{now} - INTERVAL {FRESH_DAYS} DAY"
    care = ", ".join(f"'{word}'" for word in CARE)
    if {"at", "amount"} <= has.get("purchases", set()):
        yield f"""SELECT customer_id, count(DISTINCT CAST("at" AS DATE)) FILTER (amount > 0) AS purchase_days,
            count(DISTINCT CAST("at" AS DATE)) FILTER (amount > 0 AND "at" >= {year}) AS purchase_days_year,
            count(*) FILTER (amount < 0 AND "at" >= {year}) AS returns_year,
            CAST(date_diff('day', CAST(max("at") FILTER (amount > 0) AS DATE), CAST({now} AS DATE)) AS DOUBLE)
              AS days_since_purchase,
            CAST(date_diff('day', CAST(min("at") FILTER (amount > 0) AS DATE), CAST({now} AS DATE)) AS DOUBLE)
              AS days_since_first
            FROM purchases GROUP BY 1"""
    if {"at", "amount", "list_price", "unit_price"} <= has.get("purchases", set()):
        yield f"""SELECT customer_id, count(*) FILTER (unit_price < list_price) AS offers_discounted_year
            FROM purchases WHERE "at" >= {year} GROUP BY 1"""
    yield from _contacts(has, now, year, fresh, care)
    yield from _feedback(has, year)
    yield from _bonds(has, now, year)


def _contacts(has: dict[str, set[str]], now: str, year: str, fresh: str, care: str) -> Iterator[str]:
    found = has.get("contacts", set())
    if {"at", "direction"} <= found:
        purposes = ""
        if "purpose" in found:
            purposes = f"""count(*) FILTER (direction = 'outbound' AND lower(purpose) IN ({care})) AS care_year,
                count(*) FILTER (lower(purpose) = 'visit') AS visits_year, """
        quarter = f"CAST(floor(date_diff('day', CAST(\"at\" AS DATE), CAST({now} AS DATE)) / 91.0) AS INTEGER)"
        kind = f" AND lower(purpose) IN ({care})" if "purpose" in found else ""
        yield f"""SELECT customer_id, {purposes} count(*) FILTER (direction = 'inbound') AS inbound_year,
            count(*) FILTER (direction = 'outbound') AS outbound_year,
            count(DISTINCT {quarter}) FILTER (direction = 'outbound'{kind}) AS care_quarters
            FROM contacts WHERE "at" >= {year} GROUP BY 1"""
        if {"at", "amount"} <= has.get("purchases", set()):
            kept = f" AND lower(c.purpose) IN ({care})" if "purpose" in found else ""
            yield f"""SELECT c.customer_id, count(*) AS follow_ups_year FROM contacts c
                ASOF JOIN (SELECT customer_id, "at" FROM purchases WHERE amount > 0) p
                  ON p.customer_id = c.customer_id AND c."at" > p."at"
                WHERE c.direction = 'outbound'{kept} AND c."at" >= {year}
                  AND c."at" <= p."at" + INTERVAL {FOLLOW_UP_DAYS} DAY GROUP BY 1"""
    if {"at", "direction", "responded_at"} <= found:
        late = f'"at" + INTERVAL {ANSWER_DAYS} DAY'
        service = " AND lower(purpose) = 'service'" if "purpose" in found else ""
        yield f"""SELECT customer_id, count(*) AS asked_contacts,
            count(*) FILTER (responded_at <= {late}) AS answers_contacts,
            count(*) FILTER (responded_at IS NULL AND "at" >= {fresh}{service}) AS unanswered_fresh
            FROM contacts WHERE direction = 'inbound' AND "at" >= {year}
              AND (responded_at IS NOT NULL OR {late} < {now}) GROUP BY 1"""
    if {"at", "channel"} <= found:
        yield """SELECT customer_id, arg_max(channel, (n, channel)) AS preferred_channel,
            max(n) / sum(n) AS preferred_share FROM (SELECT customer_id, lower(channel) AS channel, count(*) AS n
            FROM contacts WHERE channel IS NOT NULL GROUP BY ALL) GROUP BY 1"""
    seen = [f"SELECT customer_id, employee_id FROM {name} WHERE employee_id IS NOT NULL"
            for name in ("contacts", "purchases") if "employee_id" in has.get(name, set())]  # fmt: skip
    if seen:
        yield f"""SELECT customer_id, sum(n) AS dealings_staffed, count(*) AS dealings_people,
            CAST(max(n) AS DOUBLE) / sum(n) AS top_employee_share FROM (
            SELECT customer_id, employee_id, count(*) AS n FROM ({" UNION ALL ".join(seen)}) GROUP BY ALL) GROUP BY 1"""


def _feedback(has: dict[str, set[str]], year: str) -> Iterator[str]:
    found = has.get("complaints", set())
    if "at" in found:
        open_ = "resolved_at IS NULL" if "resolved_at" in found else "FALSE"
        followed = "followed_up_at IS NOT NULL" if "followed_up_at" in found else "FALSE"
        answered = f'responded_at <= "at" + INTERVAL {ANSWER_DAYS} DAY' if "responded_at" in found else "FALSE"
        yield f"""SELECT customer_id, count(*) AS complaints_all, count(*) FILTER ("at" >= {year}) AS complaints_year,
            count(*) FILTER ({open_}) AS open_complaints, count(*) FILTER ({followed}) AS complaints_followed_up,
            count(*) FILTER ({answered}) AS complaints_answered FROM complaints GROUP BY 1"""
        if "topic" in found:
            yield f"""SELECT customer_id, max(n) AS complaints_same_topic FROM (SELECT customer_id, topic, count(*) AS n
                FROM complaints WHERE "at" >= {year} AND topic IS NOT NULL GROUP BY ALL) GROUP BY 1"""
    scores = [name for name in ("trust", "commitment", "satisfaction", "nps") if name in has.get("surveys", set())]
    if scores and "at" in has["surveys"]:
        cells = ", ".join(f'arg_max({name}, ("at", {name})) FILTER ({name} IS NOT NULL) AS {name}' for name in scores)
        yield f"SELECT customer_id, {cells} FROM surveys GROUP BY 1"
        ends = ", ".join(f"min({name}) AS {name}_low, max({name}) AS {name}_high" for name in scores)
        yield f"SELECT customer_id, e.* FROM (SELECT {ends} FROM surveys) e, (SELECT DISTINCT customer_id FROM surveys)"


def _bonds(has: dict[str, set[str]], now: str, year: str) -> Iterator[str]:
    found = has.get("contracts", set())
    if "started_at" in found:
        live = "ended_at IS NULL" if "ended_at" in found else "TRUE"
        yield f"""SELECT customer_id, count(*) FILTER ({live}) AS contracts_live, count(*) AS contracts_all
            FROM contracts GROUP BY 1"""
    found = has.get("memberships", set())
    if "joined_at" in found:
        live = "left_at IS NULL" if "left_at" in found else "TRUE"
        points = "points IS NOT NULL" if "points" in found else "FALSE"
        yield f"""SELECT customer_id, count(*) FILTER ({live}) AS memberships_live,
            count(*) FILTER ({live} AND {points}) AS memberships_points,
            count(*) FILTER ({live} AND NOT {points}) AS clubs_live FROM memberships GROUP BY 1"""
    if {"referrer_id", "at"} <= has.get("referrals", set()):
        yield f"""SELECT referrer_id AS customer_id, count(*) AS referrals_all,
            count(*) FILTER ("at" >= {year}) AS referrals_year FROM referrals GROUP BY 1"""
    found = has.get("managers", set())
    if "from" in found:
        live = '"to" IS NULL' if "to" in found else "TRUE"
        planned = f"AND plan_due IS NOT NULL AND plan_due >= {now}" if "plan_due" in found else "AND FALSE"
        yield f"""SELECT customer_id, count(*) FILTER ({live}) AS managed_live,
            count(*) FILTER ({live} {planned}) AS managed_planned FROM managers GROUP BY 1"""
    if "at" in has.get("preferences", set()):
        yield "SELECT customer_id, count(DISTINCT topic) AS preferences_all FROM preferences GROUP BY 1"
    found = has.get("events", set())
    if {"at", "kind"} <= found:
        compared = " OR lower(object) = 'comparison'" if "object" in found else ""
        yield f"""SELECT customer_id, count(*) FILTER (kind = 'usage') AS usage_year,
            count(*) FILTER (kind IN ('visit', 'open', 'click')) AS looked_visits_year,
            count(*) FILTER (kind IN ('click'){compared}) AS looked_closely_year
            FROM events WHERE "at" >= {year} GROUP BY 1"""
    found = has.get("campaigns", set())
    if {"at", "arm"} <= found:
        used = "redeemed_at IS NOT NULL" if "redeemed_at" in found else "FALSE"
        yield f"""SELECT customer_id, count(*) AS offers_received_year, count(*) FILTER ({used}) AS offers_redeemed_year
            FROM campaigns WHERE arm = 'treated' AND "at" >= {year} GROUP BY 1"""
