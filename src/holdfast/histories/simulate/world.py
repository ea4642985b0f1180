"""Simulate a firm and its customers, and write the world to a folder."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from holdfast.errors import ConfigError
from holdfast.histories.simulate.bonds import managers_table, memberships_table, referrals_table
from holdfast.histories.simulate.causes import Fates, draw_hits, settle
from holdfast.histories.simulate.config import config_text
from holdfast.histories.simulate.contracts import contracts_table, payments_table
from holdfast.histories.simulate.digital import consents_table, events_table, preferences_table
from holdfast.histories.simulate.firm import costs_table, market_table
from holdfast.histories.simulate.leavers import exits_table, stated_reasons, winback_table
from holdfast.histories.simulate.options import Clock, WorldOptions
from holdfast.histories.simulate.people import People, customers_table, make_people
from holdfast.histories.simulate.purchases import simulate_purchases
from holdfast.histories.simulate.service import Cases, contacts_table, surveys_table
from holdfast.histories.simulate.trials import Trial, campaigns_table, run_campaigns
from holdfast.histories.simulate.truth import truth_tables
from holdfast.schema import TABLES

_ROW_GROUP = 262_144

# One stream of random numbers per part: a new table later does not change the others.
_STREAMS = (
    "people", "hits", "trials", "fates", "purchases", "complaints", "contacts", "surveys", "events", "preferences",
    "consents", "memberships", "referrals", "managers", "reasons", "exits", "winback", "contracts", "payments",
    "market", "costs", "campaigns",
)  # fmt: skip


Streams = Mapping[str, np.random.Generator]


@dataclass(frozen=True)
class World:
    """A simulated firm.

    Attributes
    ----------
    tables : mapping of str to pyarrow.Table
        The canonical tables.
    truth : mapping of str to pyarrow.Table
        `customers`, `causes`, `effects`, `trials`, `parameters`: known only here.
    config : str
        A config for `holdfast run` on the written folder.
    """

    tables: Mapping[str, pa.Table]
    truth: Mapping[str, pa.Table]
    config: str

    def write(self, folder: str | Path) -> None:
        """Write `<table>.parquet`, `truth/<table>.parquet` and `holdfast.yaml`; each file appears whole."""
        root = Path(folder)
        (root / "truth").mkdir(parents=True, exist_ok=True)
        for name, table in self.tables.items():
            _write_parquet(table, root / f"{name}.parquet")
        for name, table in self.truth.items():
            _write_parquet(table, root / "truth" / f"{name}.parquet")
        aside = root / "holdfast.yaml.part"
        aside.write_text(self.config, encoding="utf-8")
        os.replace(aside, root / "holdfast.yaml")


def _write_parquet(table: pa.Table, path: Path) -> None:
    aside = path.with_name(path.name + ".part")
    pq.write_table(table, aside, compression="zstd", row_group_size=_ROW_GROUP)
    os.replace(aside, path)


def simulate(n_customers: int, months: int = 24, seed: int = 0, *, options: WorldOptions | None = None) -> World:
    """Simulate `n_customers` over `months`, with the causes of their exits and the effects of offers planted.

    Parameters
    ----------
    n_customers : int
        Customers, about 60 % of whom joined before the window.
    months : int
        Length of the window; it ends at `options.end`.
    seed : int
        Same arguments, same world, byte for byte.
    options : WorldOptions, optional
        Season, drift, shocks, imitation, shares.

    Returns
    -------
    World
        Tables, truth and config.

    Raises
    ------
    ConfigError
        When `n_customers`, `months` or `seed` is out of range.

    Notes
    -----
    A figure measured on a simulated world proves that what was planted is found, and nothing about
    real customers.

    Examples
    --------
    >>> world = simulate(50, months=6, seed=1)
    >>> world.tables["customers"].num_rows, sorted(world.truth)
    (50, ['causes', 'customers', 'effects', 'parameters', 'trials'])
    """
    if n_customers < 1 or months < 1 or seed < 0:
        raise ConfigError(
            f"simulate: n_customers {n_customers}, months {months}, seed {seed}: expected at least 1, 1 and 0"
        )
    options = options or WorldOptions()
    clock = Clock.ending(options.end, months)
    rng = {name: np.random.default_rng([seed, number]) for number, name in enumerate(_STREAMS)}
    people = make_people(rng["people"], n_customers, clock, options)
    hits = draw_hits(rng["hits"], people, clock, options)
    trials, hits = run_campaigns(rng["trials"], people, hits, clock, options)
    fates = settle(rng["fates"], people, hits, options)
    tables = {
        **_dealings(rng, people, fates, clock, options),
        **_surroundings(rng, people, fates, trials, clock, options),
    }
    present = {name: tables[name] for name in TABLES if tables[name].num_rows > 0}
    truth = truth_tables(people, fates, trials, clock, options)
    return World(present, truth, config_text(present, n_customers, clock.days, seed))


def _dealings(rng: Streams, people: People, fates: Fates, clock: Clock, options: WorldOptions) -> dict[str, pa.Table]:
    """What customers do: buy, pay, use, ask, complain, answer, refer, leave."""
    known, reason = stated_reasons(rng["reasons"], fates, people.subscriber)
    purchases, orders = simulate_purchases(rng["purchases"], people, fates, clock, options)
    cases = Cases(rng["complaints"], people, fates, clock)
    contracts, terms = contracts_table(rng["contracts"], people, fates, reason, clock)
    return {
        "purchases": purchases,
        "contracts": contracts,
        "payments": payments_table(rng["payments"], fates, people, orders, terms, clock),
        "events": events_table(rng["events"], people, fates, clock),
        "contacts": contacts_table(rng["contacts"], people, fates, orders, cases, clock),
        "complaints": cases.table(clock),
        "surveys": surveys_table(rng["surveys"], people, fates, cases, clock),
        "preferences": preferences_table(rng["preferences"], people, fates, clock),
        "referrals": referrals_table(rng["referrals"], people, fates, clock),
        "exits": exits_table(rng["exits"], fates, known, reason, clock),
        "winback": winback_table(rng["winback"], people, fates, known, clock),
        "consents": consents_table(rng["consents"], people, fates, clock),
    }


def _surroundings(
    rng: Streams, people: People, fates: Fates, trials: list[Trial], clock: Clock, options: WorldOptions
) -> dict[str, pa.Table]:
    """What the firm and the market do, and who the customers are."""
    return {
        "customers": customers_table(people, clock),
        "memberships": memberships_table(rng["memberships"], people, fates, clock),
        "managers": managers_table(rng["managers"], people, fates, clock),
        "campaigns": campaigns_table(rng["campaigns"], trials, clock),
        "market": market_table(rng["market"], clock, options),
        "costs": costs_table(rng["costs"], people, trials, clock),
    }
