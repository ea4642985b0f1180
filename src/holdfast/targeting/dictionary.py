"""The columns of `lists/retention` in the contract's order, each with its meaning and unit."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Entry:
    """One column of the list."""

    column: str
    meaning: str
    unit: str


def _entries(text: str) -> tuple[Entry, ...]:
    rows = (line.split("|") for line in text.strip().splitlines())
    return tuple(Entry(*(cell.strip() for cell in row)) for row in rows)


ENTRIES = _entries("""
list_id | fingerprint of who gets what: the same content has the same id | text
rank | 1 is best: the selected (treated and held out) by expected profit, then all others by profit at risk | number
customer_id | the customer, raw or as a pseudonym | text
cutoff | midnight at which the customer is scored; nothing from it on is known | date
p_churn | calibrated probability of churn, as the churn task defines it | probability
p_loyal | calibrated probability of staying a regular customer, as the loyalty task defines it | probability
history_state | how much history the score rests on | text
clv | lifetime value: margin of purchases within and beyond the horizon, and of referrals; empty: not measured | money
loss_if_silent | margin of those who stay active less margin of those who fall silent, over the value horizon | money
profit_at_risk | p_churn x loss_if_silent | money
exit_reason | best supported reason: stated, else predicted, else indicated; unknown when none | text
reason_source | where exit_reason comes from: stated, predicted, indicated, none | text
reason_prob | 1 when stated; the probability when predicted; strength, no probability, when indicated | share
reason_1 | strongest driver of the score in words, or what speaks against it; explains the model, not the person | text
reason_2 | second driver in words | text
reason_3 | third driver in words | text
planned_offer | the offer; for a held out customer the one not made; empty when arm is none | text
channel | permitted channel it goes by; empty: the offer names none and none is recorded | text
cost | expected cost of treating; a held out customer does not cost it | money
expected_uplift | expected fall of the churn probability if treated | probability
effect_source | what the effect rests on: measured in a trial, observed without one, or assumed | text
expected_profit | expected_uplift x loss_if_silent - cost if treated; a held out customer does not bring it | money
profit_low | the same with the low end of loss_if_silent; carries the uncertainty of the loss, not of the effect | money
profit_high | the same with the high end of loss_if_silent | money
arm | treat: make the offer; holdout: do not, and compare; none: not selected | text
suppressed_because | the first reason why the customer is not selected; empty for treat and holdout | text
consent_basis | granted: recorded in the consents table; not recorded: there is no such table | text
last_contact_at | last outbound contact before the cutoff | time
contacts_30d | outbound contacts within 30 days before the cutoff | number
open_complaint | whether a complaint was unresolved at the cutoff; empty: complaints are not recorded | yes/no
owner | who looks after the customer | text
act_before | day by which to act, from the customer's own rhythm | date
valid_until | day after which the list is stale | date
is_new_on_list | whether a selected customer was not on the list that --previous names; empty: none is named | yes/no
model_version | version of the churn model | text
run_id | run that wrote the list | text
""")

LIST_COLUMNS = tuple(entry.column for entry in ENTRIES)
"""All columns of `lists/retention`, in order."""


def data_dictionary() -> pd.DataFrame:
    """The dictionary as a frame `column, meaning, unit`, one row per list column, in order.

    Examples
    --------
    >>> data_dictionary().query("column == 'arm'")["unit"].item()
    'text'
    """
    return pd.DataFrame([(e.column, e.meaning, e.unit) for e in ENTRIES], columns=["column", "meaning", "unit"])
