"""Words that several features share, and the things that sentences tell of.

Many columns tell one story: a customer silent for 74 days has no order in any shorter window and spent nothing in it.
Sentences carry what they are about, and a customer hears of each thing once.
"""

from holdfast.features.feature import Case

LAST = "last order"
COUNT = "purchases so far"
RECENT = "recent purchases"
GAPS = "rhythm"
SINCE = "first order"
SPEND = "spend"
DAY_SPEND = "spend of a purchase day"
ACTIVITY = "activity"
USE = "use of the service"
CONTACT = "contacts"

AGO = "{days_since_last_order:# day|# days} ago"
FIRST_AGO = "{tenure_days:# day|# days} ago"
GAP = "usual gap {gap_median_days:# day|# days}"

SILENCE = f"last order {AGO}; {GAP}"
RHYTHM = "usually orders every {gap_median_days:day|# days}"

NEVER = Case("no purchase so far", "purchase_days_all", about=(LAST, COUNT, RECENT, GAPS, SINCE))
ONE_DAY = Case(f"bought on one day only, {AGO}", "purchase_days_all", below=2, about=(LAST, COUNT, RECENT, GAPS, SINCE))
TWO_DAYS = Case(
    f"bought on 2 days so far, {{gap_last_days:# day|# days}} apart, the last one {AGO}",
    "purchase_days_all",
    below=3,
    about=(LAST, COUNT, RECENT, GAPS),
)
FEW = (NEVER, ONE_DAY, TWO_DAYS)
"""Too few purchase days for counts and gaps to say anything."""

ONLY_SPEND = Case(
    "spent {spend_all:money} on the only purchase day", "purchase_days_all", below=2, about=(SPEND, DAY_SPEND)
)
FEW_SPEND = (NEVER, ONLY_SPEND)


def since_first(words: str, window: int, about: tuple[str, ...]) -> Case:
    """Case for customers whose whole history lies within the window, so that it is no window of theirs."""
    return Case(words, "tenure_days", below=window + 1, about=about)


def silent(window: int) -> Case:
    """Case for customers without a purchase in a trailing window."""
    return Case(SILENCE, f"purchase_days_{window}d", below=1, about=(LAST, GAPS))
