"""`holdfast init`: look at files, guess tables, question and timing, and write a commented config."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from holdfast.errors import ConfigError, DataError, HoldfastError
from holdfast.histories.guess.detail import TableGuess
from holdfast.histories.guess.look import Shelf, look
from holdfast.histories.guess.paths import find_files
from holdfast.histories.guess.rhythm import Rhythm, Timing, fit, in_words, rhythm, usual_horizon
from holdfast.histories.guess.tables import Found, find_tables
from holdfast.histories.histories import Histories
from holdfast.histories.ingest import ingest
from holdfast.histories.report import TableReport
from holdfast.histories.sources import GivenLabel, Source
from holdfast.histories.words import one_line
from holdfast.params.config import load_config
from holdfast.params.guess_text import Draft, write_text

_CONTRACT_HORIZON = 30
_REFUSED = 0.01


@dataclass(frozen=True)
class Guess:
    """A guessed config.

    Parameters
    ----------
    text : str
        The YAML file with its comments.
    said : tuple of str
        What was guessed, one line each.
    questions : tuple of str
        What could not be guessed, or should be looked at.
    complete : bool
        Whether the config can be run as it is.
    """

    text: str
    said: tuple[str, ...]
    questions: tuple[str, ...]
    complete: bool


def write_guess(data: Sequence[str], out: Path, *, force: bool = False) -> Guess:
    """Write a config for some files.

    Parameters
    ----------
    data : sequence of str
        Files, folders or globs.
    out : Path
        The config to write; it appears whole.
    force : bool
        Whether an existing file may be replaced.

    Returns
    -------
    Guess
        Text, guesses and open questions.

    Raises
    ------
    ConfigError
        When `out` exists already, or a name in `data` leads to no file.
    DataError
        When no file can be a table.
    """
    if out.exists() and not force:
        raise ConfigError(f"{out} exists already; choose another name with -o, or replace it with --force")
    guess = guess_config(data, out)
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_name(f".{out.name}.part")
    try:
        aside.write_text(guess.text, encoding="utf-8")
        if guess.complete:
            load_config(aside)
        os.replace(aside, out)
    finally:
        aside.unlink(missing_ok=True)
    return guess


def guess_config(data: Sequence[str], out: Path) -> Guess:
    """Guess a config that will stand at `out`; nothing is written.

    Raises
    ------
    ConfigError
        When a name in `data` leads to no file.
    DataError
        When no file can be a table.
    """
    root, paths = find_files(data)
    with tempfile.TemporaryDirectory(prefix="holdfast-init-") as folder:
        scratch = Path(folder)
        with duckdb.connect(str(scratch / "look.duckdb")) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            shelf = Shelf(connection, root, scratch)
            files, problems = look(shelf, paths)
            found = find_tables(shelf, files)
        if not found.tables:
            raise DataError("init: no table found; " + "; ".join([*problems, *found.questions]))
        draft = _draft(found, root, out, scratch)
    return Guess(write_text(draft), _said(draft), (*problems, *draft.questions), draft.kind is not None)


def _draft(found: Found, root: Path, out: Path, scratch: Path) -> Draft:
    """Ask the question that the tables allow, try every table, and take the timing from the data."""
    kind, leading = _question(found)
    label = found_label(found) if kind == "given" else None
    tables, questions, reports = [], list(found.questions), {}
    for table in found.tables:
        kept = _without_label(table) if kind not in ("given", None) else table
        try:
            reports[table.name] = _try(kept, root, scratch, label)
        except (HoldfastError, duckdb.Error) as error:
            left = "" if table.name == leading else f"; the table {table.name} is left out"
            questions.append(f"{table.path}: a run would stop here: {one_line(error)}{left}")
            if left:
                continue
        tables.append(_refusals(kept, reports.get(table.name)))
    tables = [table for table in tables if kind == "given" or "at" not in _missing(table)]
    seen, timing = None, None
    if kind in ("silence", "contract_end") and leading in reports:
        seen = rhythm(Histories.open(scratch / f"try_{leading}"), str(leading))
        timing = _timing(seen, str(kind))
        if timing is None:
            questions.append(f"{leading}: the history is too short for a test and a training cutoff; bring more of it")
    questions += _asked(found, kind, label)
    return Draft(
        tuple(tables), kind, _root(root, out), root.name, tuple(questions), seen, timing,
        found.table("customers") if kind == "given" else None, found.currency, found.reasons,
    )  # fmt: skip


def _question(found: Found) -> tuple[str | None, str | None]:
    """Kind of the churn task and the table that its label reads."""
    contracts = found.table("contracts")
    if found.table("purchases"):
        return "silence", "purchases"
    if contracts and "ended_at" in contracts.columns:
        return "contract_end", "contracts"
    if found_label(found):
        return "given", "customers"
    return (None, "campaigns") if found.table("campaigns") else (None, None)


def found_label(found: Found) -> GivenLabel | None:
    """The label that stands in the customers table."""
    customers = found.table("customers")
    return customers.given() if customers else None


def _without_label(table: TableGuess) -> TableGuess:
    """Where the label comes from dated rows, a column that says who left by now would leak it."""
    if table.people is None or table.people.label is None:
        return table
    reason = "says who has left by now: it would leak what is predicted"
    exclude = {**table.people.exclude, table.people.label.column: reason}
    return replace(table, people=replace(table.people, label=None, exclude=exclude))


def _missing(table: TableGuess) -> set[str]:
    return {"at"} - set(table.columns) if table.name == "exits" else set()


def _try(table: TableGuess, root: Path, scratch: Path, label: GivenLabel | None) -> TableReport:
    """Ingest one table as the run will."""
    own = label if table.name == "customers" else None
    source = Source("init", str(root), root, (table.source(),), label_table=table.name, label=own)
    return ingest(source, scratch / f"try_{table.name}").tables[0]


def _refusals(table: TableGuess, report: TableReport | None) -> TableGuess:
    """Say what the run will refuse or had to assume."""
    if report is None:
        return table
    refused = sum(report.quarantined.values())
    notes = [*table.notes, *report.notes]
    if refused:
        reason = max(report.quarantined.items(), key=lambda pair: (pair[1], pair[0]))[0]
        notes.append(f"{refused:,} of {report.rows_in:,} rows go to the quarantine, most often because {reason}")
    return replace(table, notes=tuple(notes))


def _timing(seen: Rhythm, kind: str) -> Timing | None:
    if kind == "contract_end":
        return fit(seen.days, _CONTRACT_HORIZON, 0)
    return fit(seen.days, usual_horizon(seen.gap_75), 2)


def _asked(found: Found, kind: str | None, label: GivenLabel | None) -> list[str]:
    """Questions about the task."""
    asked = []
    customers = found.table("customers")
    if kind is None and found.table("campaigns") is None:
        asked.append(
            "no question could be guessed (no purchases, no contracts with an end, no column that says who left): "
            "fill in tasks.churn, without it the config does not load"
        )
    if label is not None and customers is not None and customers.people is not None:
        chosen = customers.people.label
        if chosen is not None and not chosen.sure:
            asked.append(f"{customers.path}: does {label.positive!r} in {label.column!r} mean that the customer left?")
        asked.append(
            "columns known only after a customer left cannot all be told from their names; the run refuses those that "
            "tell too much, by name: put them under exclude"
        )
    if kind == "silence" and found.table("contracts") is not None:
        asked.append("there are contracts too: kind contract_end would ask for their end instead of for silence")
    return asked


def _root(root: Path, out: Path) -> str:
    """The data's folder as the config names it: relative where the two share more than the top."""
    base = out.parent.resolve()
    shared = Path(os.path.commonpath([root, base]))
    return os.path.relpath(root, base) if shared != Path(shared.anchor) else str(root)


def _said(draft: Draft) -> tuple[str, ...]:
    """What was guessed, for the screen."""
    lines = [f"{table.name}: {table.path} ({table.rows:,} rows){_picked(table)}" for table in draft.tables]
    if draft.kind == "given" and draft.label is not None:
        label = draft.label
        lines.append(f"question: who left, as {label.column} = {label.positive} says: {label.share:.1%} of rows")
    elif draft.timing is not None:
        span = draft.timing.span
        lines.append(
            f"question: {draft.kind}, lookback {span.lookback}d, horizon {span.horizon}d, {draft.timing.tests} test "
            f"cutoffs; {in_words(draft.timing)}"
        )
    lines.append("assumed, not guessed: margin, budget, the two offers and their effects, the time zone")
    return tuple(lines)


def _picked(table: TableGuess) -> str:
    columns = ", ".join(f"{name} = {mapped.text}" for name, mapped in table.columns.items() if name != mapped.text)
    joined = f", joined with {len(table.joins)} more files" if table.joins else ""
    return joined + (f": {columns}" if columns else "")
