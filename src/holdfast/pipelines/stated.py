"""What leavers said about an exit: the mapped class and their own words, matched to the cutoff that asks."""

from typing import Any

import pandas as pd

from holdfast.histories.histories import Histories
from holdfast.params.sections import ExitsSection

REPORTING_DAYS = 30
"""Days after a label window within which a reason still belongs to the exit in it."""


def known_exits(histories: Histories, section: ExitsSection) -> pd.DataFrame | None:
    """Every statement with its class: `customer_id, at, stated_reason, text, stated`, sorted; None without the table.

    `at` is missing where the table is undated, the words where the column is absent; `stated` is missing where the
    config does not map the word.
    """
    if not histories.has("exits"):
        return None
    found = histories.frame("exits")
    for name in ("at", "stated_reason", "text"):
        if name not in found.columns:
            found[name] = pd.NaT if name == "at" else None
    found = found.assign(stated=found["stated_reason"].map(section.class_of()))
    kept = ["customer_id", "at", "stated_reason", "text", "stated"]
    return found[kept].sort_values(kept, kind="stable", ignore_index=True)


def stated_at(rows: pd.DataFrame, known: pd.DataFrame, before_days: int, after_days: int, name: str) -> pd.DataFrame:
    """The newest statement that belongs to each row.

    Parameters
    ----------
    rows : DataFrame
        `customer_id` and the cutoff in the column `name`.
    known : DataFrame
        `known_exits`.
    before_days, after_days : int
        A dated statement belongs to a cutoff c when it was made in [c − before, c + after); an undated one always.
    name : str
        Column of the cutoffs.

    Returns
    -------
    DataFrame
        The columns of `known`, on the index of `rows`; missing where nothing was said. A statement with a class goes
        before a newer one without.
    """
    joined = rows[["customer_id", name]].reset_index(names="row").merge(known, on="customer_id", how="inner")
    begins = joined[name] - pd.Timedelta(days=before_days)
    ends = joined[name] + pd.Timedelta(days=after_days)
    inside = joined["at"].isna() | ((joined["at"] >= begins) & (joined["at"] < ends))
    joined = joined.loc[inside].assign(mapped=joined["stated"].notna())
    joined = joined.sort_values(["mapped", "at"], kind="stable", na_position="first")
    found = joined.drop_duplicates("row", keep="last").set_index("row")
    return found[[column for column in known.columns if column != "customer_id"]].reindex(rows.index)


def vocabulary(known: pd.DataFrame, section: ExitsSection) -> dict[str, Any]:
    """How many said something, which words are mapped, and the words that are not, by how often they were used."""
    words = known["stated_reason"].dropna()
    fixed = set(section.not_influenceable)
    unmapped = known.loc[known["stated_reason"].notna() & known["stated"].isna(), "stated_reason"]
    unmapped = unmapped[~unmapped.isin(fixed)].value_counts()
    listed = unmapped[unmapped > 1].sort_index().sort_values(ascending=False, kind="stable")
    return {
        "statements": len(known), "with_a_word": len(words), "mapped": int(known["stated"].notna().sum()),
        "classes": {str(name): int(n) for name, n in known["stated"].value_counts().sort_index().items()},
        "unmapped": {str(word): int(n) for word, n in listed.items()},
        "unmapped_said_once": int((unmapped == 1).sum()),
        "not_influenceable": int(words.isin(fixed).sum()),
        "with_text": int(known["text"].notna().sum()),
    }  # fmt: skip
