"""What leavers said, and what the firm did about it: exits and win-back."""

import numpy as np
import pyarrow as pa

from holdfast.histories.simulate.causes import Fates
from holdfast.histories.simulate.columns import Flags, Floats, Ints, at_hour, canonical, times, words
from holdfast.histories.simulate.options import (
    ANNOYED,
    DECEASED,
    MARKET,
    POLITICAL,
    PRICE,
    PRODUCT,
    SERVICE,
    TECHNOLOGY,
    Clock,
)
from holdfast.histories.simulate.people import People, customer_ids

REASONS = (
    "Too expensive", "Cheaper elsewhere", "Poor quality", "Better product elsewhere", "Complaint not solved",
    "Unfriendly staff", "Moved away", "No longer needed", "Outdated technology", "Changed to newer system",
    "Company conduct", "Environmental concerns", "Deceased", "Too much advertising", "Competitor", "Other",
)  # fmt: skip
"""The simulated firm's own words; the last two fit no class and stay unmapped."""

_WORDS_OF_CAUSE = np.zeros((8, 2), dtype=np.int64)
for _cause, _pair in {
    PRICE: (0, 1), PRODUCT: (2, 3), SERVICE: (4, 5), MARKET: (6, 7), TECHNOLOGY: (8, 9), POLITICAL: (10, 11),
    DECEASED: (12, 12), ANNOYED: (13, 5),
}.items():  # fmt: skip
    _WORDS_OF_CAUSE[_cause] = _pair
_N_PLAIN, _COMPETITOR, _OTHER = 12, 14, 15

REASON_CLASSES = {
    "price": REASONS[0:2],
    "product": REASONS[2:4],
    "service": (*REASONS[4:6], "Too much advertising"),
    "market": REASONS[6:8],
    "technology": REASONS[8:10],
    "political": REASONS[10:12],
}
"""How the firm's words map onto the six classes."""

NOT_INFLUENCEABLE_WORDS = ("Moved away", "No longer needed", "Deceased")

_TEXTS = (
    "The price went up again.", "I found the same for less.", "It broke after a few weeks.",
    "Another maker offers more.", "Nobody came back to me about my complaint.", "I was treated rudely on the phone.",
    "We have moved to another town.", "We do not need it any more.", "The system is out of date.",
    "We now use a newer solution.", "I do not agree with how the company behaves.",
    "I expect more care for the environment.", "The customer has passed away.", "Too many mails and calls.",
    "Went to a competitor.", "No particular reason.",
)  # fmt: skip

_REPORTED, _SILENT_REASON = 0.55, 0.2
_NOISE, _VAGUE = 0.12, 0.08
STATUSES = ("planned", "contacted", "refused", "returned")
OWNERS = ("care", "sales", "quality")


def stated_reasons(rng: np.random.Generator, fates: Fates, always: Flags) -> tuple[Flags, Ints]:
    """Who told the firm about leaving, and the word given (-1: none); `always`: holders of a contract.

    A share names a wrong reason, and a share a word that fits no class.
    """
    n = len(fates.exit)
    known = np.isfinite(fates.exit) & (always | (rng.random(n) < _REPORTED))
    word = _WORDS_OF_CAUSE[np.maximum(fates.cause, 0), rng.integers(0, 2, n)]
    draw = rng.random(n)
    wrong = (draw < _NOISE) & (fates.cause != DECEASED)
    vague = (draw >= _NOISE) & (draw < _NOISE + _VAGUE) & (fates.cause != DECEASED)
    word = np.where(wrong, rng.integers(0, _N_PLAIN, n), word)
    word = np.where(vague, np.where(rng.random(n) < 0.5, _COMPETITOR, _OTHER), word)
    return known, np.where(known & (rng.random(n) >= _SILENT_REASON), word, -1)


def exits_table(rng: np.random.Generator, fates: Fates, known: Flags, word: Ints, clock: Clock) -> pa.Table:
    """Canonical `exits`: reported leavers, some days after they stopped."""
    leavers = np.flatnonzero(known & (fates.exit < clock.days))
    at = at_hour(rng, fates.exit[leavers] + 1.0 + rng.standard_exponential(len(leavers)) * 6.0)
    kept = at < clock.days
    leavers, at = leavers[kept], at[kept]
    wrote = rng.random(len(leavers)) < 0.4
    return canonical(
        "exits",
        {
            "customer_id": customer_ids(leavers),
            "at": times(clock.start, at),
            "stated_reason": words(REASONS, word[leavers]),
            "text": words(_TEXTS, np.where(wrote, word[leavers], -1)),
        },
    )


def winback_table(rng: np.random.Generator, people: People, fates: Fates, known: Flags, clock: Clock) -> pa.Table:
    """Canonical `winback`: planned, contacted, then refused or returned; those who died are left alone."""
    tried = np.flatnonzero(known & (fates.exit < clock.days - 30.0) & (fates.cause != DECEASED))
    tried = tried[rng.random(len(tried)) < 0.5]
    planned = fates.exit[tried] + rng.uniform(15.0, 35.0, len(tried))
    contacted = planned + rng.uniform(1.0, 14.0, len(tried))
    owner = rng.integers(0, len(OWNERS) + 1, len(tried)) - 1
    back = np.isfinite(fates.returned[tried])
    answered = np.where(back, fates.returned[tried], contacted + rng.uniform(0.0, 10.0, len(tried)))
    refuses = ~back & (rng.random(len(tried)) < 0.4)
    steps = [
        _step(tried, planned, 0, owner),
        _step(tried, contacted, 1, owner),
        _step(tried[refuses], answered[refuses], 2, owner[refuses]),
        _step(tried[back], answered[back], 3, owner[back]),
    ]
    customer, at, status, who = (np.concatenate(column) for column in zip(*steps, strict=True))
    kept = at < clock.days
    return canonical(
        "winback",
        {
            "customer_id": customer_ids(customer[kept]),
            "at": times(clock.start, at[kept]),
            "status": words(STATUSES, status[kept]),
            "owner": words(OWNERS, who[kept]),
            "note": words(("not interested",), np.where(status == 2, 0, -1)[kept]),
        },
    )


def _step(customer: Ints, at: Floats, status: int, owner: Ints) -> tuple[Ints, Floats, Ints, Ints]:
    return customer, at, np.full(len(customer), status), owner
