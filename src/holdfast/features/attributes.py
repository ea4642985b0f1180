"""Attributes of the customer: undated columns of `customers` and, where given, its age and kind."""

from holdfast.features.block import Available, Block
from holdfast.features.feature import Feature

_CANONICAL = {"region": "market", "segment": None, "kind": None}


def attribute_block(have: Available) -> Block | None:
    """Attributes as they stand; None without a customers table or without any attribute."""
    if "customers" not in have.columns:
        return None
    cells, features = [], []
    for column, exit_class in _CANONICAL.items():
        if have.has("customers", column):
            cells.append(f"t.{column} AS customer_{column}")
            words = f"{column}: {{customer_{column}}}"
            name = f"customer_{column}"
            features.append(_attribute(name, exit_class, words, categorical=True))
    if have.has("customers", "birth_date"):
        cells.append("CAST(FLOOR(DATEDIFF(c.cutoff, CAST(t.birth_date AS DATE)) / 365.25) AS DOUBLE) AS customer_age_years")
        features.append(_attribute("customer_age_years", None, "{customer_age_years:.0f} years old"))
    for column, kind in have.attributes.items():
        name = attribute_name(column)
        categorical = kind == "category"
        words = f"{column}: {{{name}}}" if categorical else f"{column}: {{{name}:,.6g}}"
        cells.append(f"t.`{column}` AS {name}")
        features.append(_attribute(name, None, words, categorical=categorical))
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


def _attribute(name: str, exit_class: str | None, words: str, *, categorical: bool = False) -> Feature:
    unit = "level" if categorical else "as given"
    return Feature(name, unit, "attributes", "now", exit_class, words, "customers", categorical=categorical)
