"""The text of a guessed config: YAML with the reason of every guess beside it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holdfast.histories.guess.detail import TableGuess
from holdfast.histories.guess.names import tokens
from holdfast.histories.guess.people import Label
from holdfast.histories.guess.rhythm import Rhythm, Timing, in_words

_PLAIN = re.compile(r"(/|\.\./)?[A-Za-z_][\w./-]*( [\w./-]+)*")
_NOT_TEXT = {"true", "false", "null", "nan", "inf"}
_AT = 64
_PERIOD = 30
_INCENTIVE = 5.0
_CLASSES = {
    "price": {"price", "pricing", "expensive", "cheaper", "cost", "fee", "fees", "charges", "budget", "afford"},
    "product": {"product", "quality", "features", "feature", "reliability", "assortment"},
    "service": {"service", "support", "attitude", "staff", "unfriendly", "complaint", "expertise", "rude"},
    "technology": {"technology", "outdated", "devices", "app", "device"},
    "market": {"moved", "relocated", "relocation", "needed", "need"},
    "political": {"political", "environmental", "ethical", "conduct", "values"},
}
_BEYOND = {"deceased", "died", "death", "moved", "bankrupt", "insolvent", "relocated"}
_RENEWED = {"upgrade", "downgrade", "renewal", "renewed", "transfer", "change", "migration", "switch", "converted"}


@dataclass(frozen=True)
class Draft:
    """All that the text says.

    Parameters
    ----------
    tables : tuple of TableGuess
        In the order of the config.
    kind : str or None
        Kind of the churn task; None: no question was found.
    root, name : str
        Folder of the data as the config names it, and what to call the source.
    questions : tuple of str
        What the user should look at.
    rhythm : Rhythm or None
        Gaps and money of the dated table.
    timing : Timing or None
        The span that fits, for dated kinds.
    customers : TableGuess or None
        The table with the given label.
    currency : str or None
        ISO code, if a column says it.
    reasons : tuple of str
        The firm's own words for why customers leave.
    """

    tables: tuple[TableGuess, ...]
    kind: str | None
    root: str
    name: str
    questions: tuple[str, ...] = ()
    rhythm: Rhythm | None = None
    timing: Timing | None = None
    customers: TableGuess | None = None
    currency: str | None = None
    reasons: tuple[str, ...] = ()

    @property
    def label(self) -> Label | None:
        """The given label."""
        return self.customers.people.label if self.customers and self.customers.people else None


def write_text(draft: Draft) -> str:
    """The whole file."""
    blocks = [_head(draft), _source(draft), _tasks(draft), _timing(draft), _economics(draft), _exits(draft),
              _offers(draft), _targeting()]  # fmt: skip
    return "\n".join(line for block in blocks for line in block) + "\n"


def scalar(value: str) -> str:
    """A text as YAML: plain where that is safe.

    Examples
    --------
    >>> scalar("Customer ID"), scalar("1"), scalar("a: b"), scalar("Yes")
    ('Customer ID', '"1"', '"a: b"', 'Yes')
    """
    plain = _PLAIN.fullmatch(value) is not None and value.lower() not in _NOT_TEXT
    return value if plain else json.dumps(value, ensure_ascii=False)


def _noted(line: str, *words: str) -> str:
    """A line with a comment, in a column of its own."""
    said = "; ".join(" ".join(word.split()) for word in words if word)
    return f"{line:<{_AT}} # {said}" if said else line


def _listed(words: Sequence[str]) -> str:
    return f"[{', '.join(scalar(word) for word in words)}]"


def _comments(lines: Sequence[str], indent: str = "") -> list[str]:
    return [f"{indent}# {' '.join(line.split())}" for line in lines]


def _head(draft: Draft) -> list[str]:
    lines = ["Written by `holdfast init` from a look at the files. Every guess says why; change what is wrong, then:",
             "  holdfast run -c THIS_FILE -o out"]  # fmt: skip
    if draft.questions:
        lines += ["", "Open questions:", *(f"- {question}" for question in draft.questions)]
    return [*(f"# {line}".rstrip() for line in (" ".join(one.split()) if one.strip() else "" for one in lines)),
            "version: 1", "seed: 7"]  # fmt: skip


def _source(draft: Draft) -> list[str]:
    lines = [
        "source:",
        f"  name: {scalar(draft.name or 'data')}",
        f"  root: {scalar(draft.root)}",
        _noted("  # timezone: Europe/London", "the zone of the clock in the files; UTC unless you say so"),
        "  tables:",
    ]
    return [*lines, *(line for table in draft.tables for line in _table(table))]


def _table(table: TableGuess) -> list[str]:
    lines = [f"    {table.name}:", _noted(f"      path: {scalar(table.path)}", f"{table.rows:,} rows", *table.notes)]
    if table.where:
        lines.append(_noted(f"      where: {json.dumps(table.where, ensure_ascii=False)}", table.where_why))
    if table.joins:
        joined = [f"        - {{path: {scalar(one.path)}, on: {scalar(one.on)}}}" for one in table.joins]
        lines += [_noted("      join:", "one row per customer in each of these files"), *joined]
    lines.append("      columns:")
    lines += [_noted(f"        {name}: {scalar(mapped.text)}", mapped.why) for name, mapped in table.columns.items()]
    if table.unused:
        lines.append(f"      # not used: {', '.join(' '.join(name.split()) for name in table.unused)}")
    return [*lines, *_people(table)]


def _people(table: TableGuess) -> list[str]:
    if table.people is None:
        return []
    lines = [_noted('      attributes: "*"', "all other columns, but those below")]
    if table.people.exclude:
        lines.append("      exclude:")
        lines += [_noted(f"        - {scalar(name)}", reason) for name, reason in table.people.exclude.items()]
    if table.people.roles:
        said = {"contact": "leads to a person: goes to no model", "sensitive": "sensitive: stays out of models"}
        lines.append("      roles:")
        lines += [_noted(f"        {scalar(name)}: {role}", said[role]) for name, role in table.people.roles.items()]
    return lines


def _tasks(draft: Draft) -> list[str]:
    match draft.kind:
        case "given":
            return _given(draft)
        case "silence":
            return _silence(draft)
        case "contract_end":
            return _contract_end(draft)
    return [
        "# tasks:                               nothing in the files says who left; complete and uncomment one of",
        "#   churn: {kind: given, label: COLUMN, positive: VALUE}",
        "#   churn: {kind: silence, lookback: 120d, horizon: 60d}",
    ]


def _given(draft: Draft) -> list[str]:
    label = draft.label
    if label is None:
        return []
    share = f"{label.share:.1%} of the rows"
    positive = json.dumps(label.positive, ensure_ascii=False)
    task = f"  churn: {{kind: given, label: {scalar(label.column)}, positive: {positive}}}"
    said = "the value of those who left" if label.sure else "a guess: the rarer value"
    return ["tasks:", _noted(task, share, said)]


def _span(draft: Draft, lookback: int, horizon: int) -> tuple[int, int]:
    span = draft.timing.span if draft.timing else None
    return (span.lookback, span.horizon) if span else (lookback, horizon)


def _silence(draft: Draft) -> list[str]:
    lookback, horizon = _span(draft, 120, 60)
    lines = ["tasks:"]
    seen = draft.rhythm
    if seen and seen.gap_75 is not None:
        lines += _comments([f"of the gaps between a customer's purchase days, half are at most {seen.gap_median:.0f} "
                            f"days, three of four at most {seen.gap_75:.0f};",
                            "horizon: the latter, rounded to months of 30 days, where the history is long enough; "
                            "lookback: twice the horizon"], "  ")  # fmt: skip
    elif seen:
        lines += _comments(["no customer bought on two days, so the horizon is a convention"], "  ")
    lines.append(f"  churn: {{kind: silence, lookback: {lookback}d, lead: 0d, horizon: {horizon}d}}")
    period = _PERIOD if horizon >= 2 * _PERIOD else max(horizon // 2, 1)
    if horizon // period >= 2:
        loyalty = f"  loyalty: {{kind: repeat, horizon: {horizon}d, min_active_periods: 2, period: {period}d}}"
        lines.append(_noted(loyalty, "a purchase in at least two of these periods"))
    return lines


def _contract_end(draft: Draft) -> list[str]:
    lookback, horizon = _span(draft, 0, 30)
    spared = [word for word in draft.reasons if _RENEWED & set(tokens(word))]
    task = f"  churn: {{kind: contract_end, lookback: {lookback}d, horizon: {horizon}d, not_churn: {_listed(spared)}}}"
    return ["tasks:", _noted(task, "ends for a reason under not_churn are no churn")]


def _timing(draft: Draft) -> list[str]:
    lines = []
    if draft.timing is not None:
        timing = draft.timing
        cutoffs = f"cutoffs: {{test: {timing.tests}, every: {timing.every}d, train: 8, spacing: horizon}}"
        short = "as many as the history holds" if timing.tests < 3 else ""
        lines.append(_noted(cutoffs, in_words(timing), short))
    return [*lines, _noted("tune: {trials: 10, timeout_s: 120}", "0 trials: the defaults, faster")]


def _economics(draft: Draft) -> list[str]:
    lines = [_noted("economics:", "assumptions of yours to make: none of them is in the files"),
             _noted("  margin: 0.3", "share of a sale that is left after its costs"),
             "  discount_rate: 0.10", "  value_horizon: 365d"]  # fmt: skip
    if draft.currency:
        return [*lines, _noted(f"  currency: {draft.currency}", "a column is named after it")]
    return [*lines, "  # currency: EUR"]


def classes_of(reasons: Sequence[str]) -> Mapping[str, list[str]]:
    """Reasons under the exit class that one of their words speaks of; those that speak of two or none stay out.

    Examples
    --------
    >>> classes_of(["Price too high", "Attitude of support person", "Don't know"])
    {'price': ['Price too high'], 'service': ['Attitude of support person']}
    """
    found: dict[str, list[str]] = {}
    for reason in reasons:
        fitting = [name for name, words in _CLASSES.items() if words & set(tokens(reason))]
        if len(fitting) == 1:
            found.setdefault(fitting[0], []).append(reason)
    return found


def _exits(draft: Draft) -> list[str]:
    if not draft.reasons:
        return []
    classes = classes_of(draft.reasons)
    placed = {reason for reasons in classes.values() for reason in reasons}
    lines = [_noted("exits:", "your words for why customers leave, put into the six classes by their words")]
    if classes:
        lines += ["  reasons:", *(f"    {name}: {_listed(reasons)}" for name, reasons in classes.items())]
    beyond = [reason for reason in draft.reasons if _BEYOND & set(tokens(reason))]
    lines.append(_noted(f"  not_influenceable: {_listed(beyond)}", "no offer helps here"))
    left = [reason for reason in draft.reasons if reason not in placed]
    return [*lines, *_comments([f"not placed: {'; '.join(left)}"], "  ")] if left else lines


def _offers(draft: Draft) -> list[str]:
    value = draft.rhythm.order_value if draft.rhythm else None
    incentive = _round(0.1 * float(value)) if value else _INCENTIVE
    why = f"a tenth of the usual purchase day ({float(value):,.2f})" if value else "a convention"
    return [
        "# Two modest offers to start from. Costs, accept rates and effects are ASSUMED: replace them by your own;",
        "# a round with a holdout measures the effects.",
        "offers:",
        _noted("  - name: voucher", f"incentive: {why}"),
        f"    bond: financial\n    contact_cost: 0.1\n    incentive_cost: {incentive:g}\n    channels: [email]",
        _noted("    accept_rate: {stayers: 0.3, leavers: 0.15}", "assumed"),
        _noted("    effect: {assumed: 0.05, of: leavers}", "assumed: one of twenty would-be leavers stays"),
        "  - name: personal_letter\n    bond: social\n    contact_cost: 0.6\n    channels: [post]",
        _noted("    effect: {assumed: 0.02, of: leavers}", "assumed: one of fifty would-be leavers stays"),
    ]


def _round(value: float) -> float:
    """The nearest 1, 2 or 5 times a power of ten, from below.

    Examples
    --------
    >>> _round(37.2), _round(0.8), _round(5.0)
    (20.0, 0.5, 5.0)
    """
    power = 10.0 ** int(f"{value:e}".split("e")[1])
    step = next(step for step in (5, 2, 1) if step <= float(f"{value:e}".split("e")[0]))
    return round(step * power, 10)


def _targeting() -> list[str]:
    return [
        _noted("targeting:", "assumed as well"),
        _noted("  budget: 1000", "what one round may cost"),
        _noted("  holdout: 0.10", "share of the selected who get nothing, so that the effect can be measured"),
        "  contact_cap: {per: 30d, max: 1}",
    ]
