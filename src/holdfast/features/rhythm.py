"""Rhythm: the customer's own gaps between purchase days, as an exact histogram per cutoff.

Gaps are whole days, so (gap, count) pairs hold everything: mean, deviation, quantiles, and how many own
gaps were longer than the present silence r or than r + H (the own-rhythm survival of accuracy.md).
"""

from holdfast.features.block import Available, Block
from holdfast.features.feature import Case, Feature
from holdfast.features.spoken import AGO, FEW, GAP, GAPS, LAST, RHYTHM, SILENCE

WEIGHT = 0.6
QUANTILES = {"q25": 0.25, "median": 0.5, "q75": 0.75, "q90": 0.9}


def rhythm_block(have: Available) -> Block:
    """Gap statistics, the present silence against them, and own gaps longer than it."""
    quantiles = ", ".join(f"MIN(CASE WHEN cn >= {q} * n_gaps THEN gap END) AS gap_{name}_days"
                          for name, q in QUANTILES.items())  # fmt: skip
    stages = {
        "gap_segments": """
            SELECT s.customer_id, c.seg, s.gap, COUNT(*) AS n
            FROM states s JOIN calendar c ON c.d = s.d WHERE s.gap IS NOT NULL
            GROUP BY s.customer_id, c.seg, s.gap""",
        "gap_counts": """
            SELECT g.customer_id, p.cutoff, g.gap, SUM(g.n) AS n
            FROM gap_segments g JOIN spans p ON p.seg = g.seg GROUP BY g.customer_id, p.cutoff, g.gap""",
        "gap_stats": f"""
            SELECT customer_id, cutoff, MAX(n_gaps) AS n_gaps, SUM(gap * n) AS sum_gap, SUM(gap * gap * n) AS sum_gap2,
                   MIN(gap) AS gap_min_days, MAX(gap) AS gap_max_days, {quantiles},
                   SUM(CASE WHEN gap > r THEN n ELSE 0 END) AS gaps_longer,
                   SUM(CASE WHEN gap > r + {have.horizon} THEN n ELSE 0 END) AS gaps_longer_h
            FROM (SELECT g.customer_id, g.cutoff, g.gap, g.n, DATEDIFF(g.cutoff, l.d) AS r,
                         SUM(g.n) OVER (PARTITION BY g.customer_id, g.cutoff ORDER BY g.gap
                                        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS cn,
                         SUM(g.n) OVER (PARTITION BY g.customer_id, g.cutoff) AS n_gaps
                  FROM gap_counts g JOIN last_days l ON l.customer_id = g.customer_id AND l.cutoff = g.cutoff) t
            GROUP BY customer_id, cutoff""",
        "gap_recent": f"""
            SELECT customer_id, d, gap AS gap_last_days,
                   {_recent_mean()} AS gap_recent_mean_days
            FROM (SELECT customer_id, d, gap, {", ".join(f"LAG(gap, {k}) OVER o AS g{k}" for k in range(1, 6))}
                  FROM states WINDOW o AS (PARTITION BY customer_id ORDER BY d)) t""",
    }
    mean = "CAST(g.sum_gap AS DOUBLE) / CAST(g.n_gaps AS DOUBLE)"
    variance = (
        f"GREATEST(CAST(g.sum_gap2 AS DOUBLE) - CAST(g.sum_gap AS DOUBLE) * {mean}, 0) / (CAST(g.n_gaps AS DOUBLE) - 1)"
    )
    sql = f"""
        SELECT t.*, r / NULLIF(gap_mean_days, 0) AS silence_over_gap_mean,
               r / CAST(NULLIF(gap_median_days, 0) AS DOUBLE) AS silence_over_gap_median,
               r / CAST(NULLIF(gap_q90_days, 0) AS DOUBLE) AS silence_over_gap_q90,
               r / CAST(NULLIF(gap_max_days, 0) AS DOUBLE) AS silence_over_gap_max,
               r / CAST(NULLIF(gap_last_days, 0) AS DOUBLE) AS silence_over_gap_last,
               r / NULLIF(gap_recent_mean_days, 0) AS silence_over_gap_recent_mean,
               (r - gap_mean_days) / NULLIF(gap_sd_days, 0) AS silence_in_gap_sds,
               gap_sd_days / NULLIF(gap_mean_days, 0) AS gap_variation,
               gap_last_days / NULLIF(gap_mean_days, 0) AS gap_last_over_mean
        FROM (SELECT l.customer_id, l.cutoff, CAST(DATEDIFF(l.cutoff, l.d) AS DOUBLE) AS r, g.n_gaps,
                     {mean} AS gap_mean_days,
                     CASE WHEN g.n_gaps > 1 THEN SQRT({variance}) END AS gap_sd_days,
                     g.gap_min_days, g.gap_max_days, g.gap_q25_days, g.gap_median_days, g.gap_q75_days, g.gap_q90_days,
                     CASE WHEN l.d > s.first_d THEN w.gap_last_days END AS gap_last_days, w.gap_recent_mean_days,
                     COALESCE(g.gaps_longer, 0) AS gaps_longer, COALESCE(g.gaps_longer_h, 0) AS gaps_longer_h,
                     CAST(g.gaps_longer AS DOUBLE) / CAST(g.n_gaps AS DOUBLE) AS own_gaps_longer_share
              FROM last_days l
              JOIN states s ON s.customer_id = l.customer_id AND s.d = l.d
              LEFT JOIN gap_stats g ON g.customer_id = l.customer_id AND g.cutoff = l.cutoff
              LEFT JOIN gap_recent w ON w.customer_id = l.customer_id AND w.d = l.d) t"""
    return Block("rhythm", sql, _FEATURES, stages, internal=("r", "n_gaps", "gaps_longer", "gaps_longer_h"))


def _recent_mean() -> str:
    """Mean of the last six gaps, weighted .6^k from the newest."""
    terms = ["gap", *(f"g{k}" for k in range(1, 6))]
    top = " + ".join(f"COALESCE(CAST({term} AS DOUBLE) * {_weight(k)}, 0)" for k, term in enumerate(terms))
    bottom = " + ".join(f"CASE WHEN {term} IS NULL THEN 0 ELSE {_weight(k)} END" for k, term in enumerate(terms))
    return f"({top}) / NULLIF({bottom}, 0)"


def _weight(k: int) -> str:
    return f"CAST({WEIGHT**k:.6f} AS DOUBLE)"


_SHORT = Case(RHYTHM, "silence_over_gap_median", below=1, about=(GAPS,))
"""A silence within the usual gap: the rhythm is what there is to say."""


def _gap(name: str, words: str, unit: str = "days", window: str = "all") -> Feature:
    return Feature(name, unit, "rhythm", window, None, words, cases=FEW, about=(GAPS,))


def _silence(name: str, words: str, unit: str = "ratio", window: str = "all") -> Feature:
    return Feature(name, unit, "rhythm", window, None, words, cases=(*FEW, _SHORT), about=(LAST, GAPS))


_LAST = f"last order {AGO}"
_LONGEST = "longest gap so far {gap_max_days:# day|# days}"
_LAST_TWO = f"last two purchase days {{gap_last_days:# day|# days}} apart; {GAP}"
_RANGE = "gaps between orders run from {gap_min_days:#|#} to {gap_max_days:# day|# days}"

_FEATURES = (
    _gap("gap_mean_days", "orders every {gap_mean_days:day|# days} on average"),
    _gap("gap_sd_days", _RANGE),
    _gap("gap_min_days", f"shortest gap between orders {{gap_min_days:# day|# days}}; {GAP}"),
    _gap("gap_max_days", f"longest gap between orders {{gap_max_days:# day|# days}}; {GAP}"),
    _gap("gap_q25_days", f"a quarter of the gaps between orders are at most {{gap_q25_days:# day|# days}}; {GAP}"),
    _gap("gap_median_days", RHYTHM),
    _gap("gap_q75_days", f"three in four gaps between orders are at most {{gap_q75_days:# day|# days}}; {GAP}"),
    _gap("gap_q90_days", f"nine in ten gaps between orders are at most {{gap_q90_days:# day|# days}}; {GAP}"),
    _gap("gap_last_days", _LAST_TWO, window="last gap"),
    _gap("gap_recent_mean_days", f"lately orders every {{gap_recent_mean_days:day|# days}}; {GAP}",
         window="last 6 gaps"),
    _silence("silence_over_gap_mean", f"{_LAST}; average gap {{gap_mean_days:# day|# days}}"),
    _silence("silence_over_gap_median", SILENCE),
    _silence("silence_over_gap_q90", f"{_LAST}; nine in ten gaps so far at most {{gap_q90_days:# day|# days}}"),
    _silence("silence_over_gap_max", f"{_LAST}; {_LONGEST}"),
    _silence("silence_over_gap_last", f"{_LAST}; the gap before {{gap_last_days:# day|# days}}", window="last gap"),
    _silence("silence_over_gap_recent_mean", f"{_LAST}; recent gaps about {{gap_recent_mean_days:# day|# days}}",
             window="last 6 gaps"),
    _silence("silence_in_gap_sds", f"{_LAST}; {_LONGEST}", "standard deviations"),
    _gap("gap_variation", _RANGE, "ratio"),
    _gap("gap_last_over_mean", _LAST_TWO, "ratio", "last gap"),
    Feature("own_gaps_longer_share", "share", "rhythm", "all", None,
            f"{_LAST}; {{own_gaps_longer_share:.0%}} of the gaps so far were longer", about=(LAST, GAPS),
            cases=(*FEW, _SHORT,
                   Case(f"{_LAST}; {_LONGEST}", "own_gaps_longer_share", below=0.001, about=(LAST, GAPS)))),
)  # fmt: skip
