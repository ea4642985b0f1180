"""Attributes of the customer: undated columns of `customers` and, where given, its age and kind."""

from holdfast.features.block import Available, Block
from holdfast.features.feature import Case, Feature

_CANONICAL = {"region": "market", "segment": None, "kind": None}


def attribute_block(have: Available) -> Block | None:
    """Attributes as they stand; None without a customers table or without any attribute."""
    if "customers" not in have.columns:
        return None
    cells, features = [], []
    for column, exit_class in _CANONICAL.items():
        if have.has("customers", column):
            cells.append(f"t.{column} AS customer_{column}")
            name = f"customer_{column}"
            features.append(_attribute(name, column, exit_class, f"{column}: {{{name}}}", categorical=True))
    if have.has("customers", "birth_date"):
        cells.append(
            "CAST(FLOOR(DATEDIFF(c.cutoff, CAST(t.birth_date AS DATE)) / 365.25) AS DOUBLE) AS customer_age_years"
        )
        features.append(_attribute("customer_age_years", "age", None, "{customer_age_years:one year|# years} old"))
    taken: set[str] = set()
    for column, kind in have.attributes.items():
        name = _unused(attribute_name(column), taken)
        categorical = kind == "category"
        label = plain(column)
        words = f"{label}: {{{name}}}" if categorical else f"{label}: {{{name}:,.6g}}"
        escaped = column.replace("`", "``")
        cells.append(f"t.`{escaped}` AS {name}")
        features.append(_attribute(name, label, None, words, categorical=categorical))
    if not features:
        return None
    sql = f"SELECT t.customer_id, c.cutoff, {', '.join(cells)} FROM customers t CROSS JOIN cutoffs c"
    return Block("attributes", sql, tuple(features))


def attribute_name(column: str) -> str:
    """Feature name of an attribute column: `attribute_` and the words of the column.

    Examples
    --------
    >>> attribute_name("Monthly Charge")
    'attribute_monthly_charge'
    """
    words = "".join(letter.lower() if letter.isalnum() else " " for letter in column).split()
    return "attribute_" + "_".join(words)


def _unused(name: str, taken: set[str]) -> str:
    """The name, numbered when two columns have the same words; `taken` grows."""
    free = next(each for each in (name, *(f"{name}_{k}" for k in range(2, len(taken) + 3))) if each not in taken)
    taken.add(free)
    return free


def plain(text: str) -> str:
    """A name of the user's as the words of a feature show it: its braces and semicolons mean nothing.

    Examples
    --------
    >>> plain("Charge {monthly}; net")
    'Charge {{monthly}}, net'
    """
    return text.replace("{", "{{").replace("}", "}}").replace(";", ",")


def _attribute(name: str, label: str, exit_class: str | None, words: str, *, categorical: bool = False) -> Feature:
    unit, unknown = "level" if categorical else "as given", (Case(f"{label}: not given", name),)
    return Feature(
        name, unit, "attributes", "now", exit_class, words, "customers", categorical=categorical, cases=unknown
    )
