import json
from pathlib import Path

import pytest

from holdfast.errors import ConfigError
from holdfast.params import Config, load_config
from holdfast.params.yaml_reader import expand
from holdfast.windows import Span

SMALL = """
version: 1
source:
  tables:
    purchases:
      path: p.csv
      columns: {customer_id: id, at: day, amount: value}
tasks:
  churn: {kind: silence}
"""

WHOLE = """
version: 1
seed: 7
source:
  name: online-retail
  root: ../shared/data/online_retail
  timezone: Europe/London
  as_of: 2011-12-10
  tables:
    purchases:
      path: online_retail.csv.gz
      where: "CustomerID is not null"
      key: []
      columns: {customer_id: CustomerID, at: InvoiceDate, amount: "Quantity * UnitPrice"}
    customers:
      path: c.csv
      columns: {customer_id: id}
      attributes: "*"
      exclude: [a]
      static: [b]
      roles: {email: contact, gender: sensitive}
      join: [{path: other.csv, on: Customer ID}]
tasks:
  churn:   {kind: silence, lookback: 120d, lead: 7d, horizon: 60d}
  loyalty: {kind: repeat, horizon: 60d, min_active_periods: 2, period: 30d}
cutoffs: {test: 3, every: 30d, train: 8, spacing: horizon}
tune: {trials: 20, timeout_s: 120}
checks: {max_single_feature_auroc: 0.9, allow: []}
economics: {margin: 0.3, discount_rate: 0.10, value_horizon: 365d, currency: GBP}
exits:
  reasons: {price: [Price too high], service: [Attitude of support person], product: [], technology: [],
            market: [Moved], political: []}
  not_influenceable: [Deceased, Moved]
measures: [{reason: service, measure: call back within a day, owner: care, cost: 4.0, save_rate: 0.2}]
offers:
  - {name: voucher10, bond: financial, programme: frequency, reasons: [price], contact_cost: 0.2, incentive_cost: 10,
     accept_rate: 0.3, effect: {assumed: 0.05, of: leavers}, channels: [email], capacity: 1000, eligible: "clv > 50"}
targeting: {budget: 5000, holdout: 0.10, contact_cap: {per: 30d, max: 1}}
privacy: {pseudonymise: false, key_env: HOLDFAST_KEY}
tracking: {uri: "sqlite:///mlflow.db", experiment: holdfast}
spark: {master: "local[2]", conf: {}}
"""


def load(tmp_path: Path, text: str):
    path = tmp_path / "holdfast.yaml"
    path.write_text(text)
    return load_config(path)


def message(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(str(tmp_path))
    return line.removeprefix(str(tmp_path / "holdfast.yaml") + ": ")


def test_source_and_churn_are_enough(tmp_path):
    config = load(tmp_path, SMALL)
    assert config.span == Span(120, 0, 60)
    assert config.tune.trials == 20
    assert config.cutoffs.spacing_days(60) == 60
    assert config.base == tmp_path.resolve()
    assert config.build_source().label_table == "purchases"


def test_the_config_of_the_contract_is_read(tmp_path):
    config = load(tmp_path, WHOLE)
    assert config.tasks.loyalty.span == Span(120, 0, 60)
    assert config.offers[0].accept_rate.leavers == 0.3
    source = config.build_source()
    assert source.tables[1].join[0].on == "Customer ID"
    assert source.tables[1].attributes == "*"
    assert source.as_of.isoformat() == "2011-12-10"


def test_resolved_is_json_and_reads_back_the_same(tmp_path):
    config = load(tmp_path, WHOLE)
    resolved = json.loads(json.dumps(config.resolved()))
    assert resolved["tasks"]["churn"]["lead"] == "7d"
    assert resolved["targeting"]["global_holdout"] is None
    assert type(config).from_dict(resolved).resolved() == resolved


def test_yes_no_and_on_are_words(tmp_path):
    text = SMALL.replace("{kind: silence}", "{kind: given, label: left, positive: Yes}")
    text = text.replace("purchases", "customers").replace(
        ", at: day, amount: value}", "}\n      join: [{path: o, on: id}]"
    )
    config = load(tmp_path, text)
    assert config.tasks.churn.positive == "Yes"
    assert config.source.tables["customers"].join[0].on == "id"
    assert config.span is None
    assert config.build_source().label.column == "left"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("version: 1", "version: 2", "version: came 2; expected 1"),
        ("{kind: silence}", "{kind: silence, horizn: 9}", "churn.horizn: unknown key 'horizn'; did you mean 'horizon'"),
        ("{kind: silence}", "{kind: silence, horizon: 2 months}", "churn.horizon: came '2 months'; expected a number"),
        ("{kind: silence}", "{kind: silence, horizon: 0d}", "tasks.churn.horizon: came '0d'; expected more than 0"),
        ("{kind: silence}", "{kind: silent}", "tasks.churn.kind: came 'silent'; expected one of silence, lapse"),
        ("{kind: silence}", "{horizon: 60d}", "tasks.churn.kind: missing; expected one of silence, lapse"),
        ("{kind: silence}", "silence", "tasks.churn: came 'silence'; expected keys and values"),
        ("{kind: silence}", "{kind: lapse, lookback: 60d, horizon: 30d, cap: 90d}",
         "expected a cap below lookback + lead + horizon (90d)"),
        ("tasks:", "task:", "unknown key 'task'; did you mean 'tasks'?"),
        ("  churn: {kind: silence}", "  chrun: {kind: silence}", "tasks.chrun: unknown key 'chrun'; did you mean 'ch"),
        ("  churn: {kind: silence}", "  loyalty: {kind: repeat, period: 90d}", "tasks.loyalty: came"),
        ("  churn: {kind: silence}", "  loyalty: {kind: given}", "tasks.loyalty.kind: came 'given'; expected repeat"),
        ("  churn: {kind: silence}", "  churn: {kind: contract_end}", "reads the table contracts, which source.tables"),
        ("purchases:", "purchase:", "source.tables.purchase: unknown table 'purchase'; did you mean 'purchases'?"),
        ("amount: value", "amonut: value", "source.tables.purchases.columns.amonut: unknown column 'amonut'; did you"),
        (", amount: value", "", "source.tables.purchases.columns: 'amount' is missing"),
        ("amount: value", "amount: [a, b]", "source.tables.purchases.columns.amount: came ['a', 'b']; expected a text"),
        ("path: p.csv", "pth: p.csv", "purchases.pth: unknown key 'pth'; did you mean 'path'? (and 1 more)"),
        ("path: p.csv", "path: '${HOLDFAST_NOT_SET}/p.csv'", "environment variable HOLDFAST_NOT_SET is not set"),
        ("path: p.csv", "path: p.csv\n      attributes: '*'", "only the table customers keeps further columns"),
        ("path: p.csv", "path: p.csv\n      roles: {mail: contct}", "purchases.roles.mail: came 'contct'"),
        ("source:", "seed: x\nsource:", "seed: came 'x'; expected a whole number"),
        ("source:", "source:\n  timezone: Mars/Base", "source.timezone: came 'Mars/Base'; expected a time zone"),
        ("source:", "source:\n  as_of: soon", "source.as_of: came 'soon'; expected a date"),
        ("source:", "economics: {margin: 30}\nsource:", "economics.margin: came 30; expected at most 1"),
        ("source:", "economics: [1]\nsource:", "economics: came [1]; expected keys and values"),
        ("source:", "targeting: {budget: lots}\nsource:", "targeting.budget: came 'lots'; expected a number"),
        ("source:", "targeting: {budget: .inf}\nsource:", "targeting.budget: came inf; expected a finite number"),
        ("source:", "cutoffs: {spacing: horizont}\nsource:", "cutoffs.spacing"),
        ("source:", "tune: {trials: 1.5}\nsource:", "tune.trials: came 1.5; expected a whole number"),
        ("source:", "privacy: {pseudonymise: maybe}\nsource:", "pseudonymise: came 'maybe'; expected true or false"),
        ("source:", "exits: {reasons: {prise: [x]}}\nsource:", "exits.reasons.prise: came 'prise'; expected one of"),
        ("source:", "exits: {reasons: {price: [x], product: [x]}}\nsource:", "'x' stands under price and product"),
        ("source:", "offers: [{name: a}]\nsource:", "offers[0].effect: missing; expected keys and values (a"),
        ("source:", "offers: [{name: a, effect: {assumed: 0.1}, reasons: [prize]}]\nsource:",
         "offers[0].reasons[0]: came 'prize'; expected one of price, product, service, market, technology, political"),
        ("source:", "offers: [{name: a, effect: {assumed: 0.1}}, {name: a, effect: {assumed: 0.1}}]\nsource:",
         "offers[1].name: 'a' is used twice"),
        ("source:", "offers: [{name: a, effect: {assumed: 0.1, off: x}}]\nsource:", "offers[0].effect.off: unknown"),
        ("source:", "source:\nsource:", "line 4: key 'source' stands here twice (first on line 3)"),
        ("source:", "source: [", "not valid YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(tmp_path, old, new, expected):
    assert expected in message(tmp_path, SMALL.replace(old, new, 1))


def test_the_cap_of_a_lapse_is_one_that_can_be_reached(tmp_path):
    def cap(task: str) -> int:
        return load(tmp_path, SMALL.replace("{kind: silence}", task)).tasks.churn.cap

    assert cap("{kind: lapse}") == 365
    assert cap("{kind: lapse, lookback: 60d, lead: 5d, horizon: 30d}") == 94  # 60 + 5 + 30 - 1
    assert cap("{kind: lapse, lookback: 60d, horizon: 30d, cap: 89d}") == 89


def test_a_file_that_is_no_config(tmp_path):
    assert "the config is empty" in message(tmp_path, "")
    assert "the config is empty" in message(tmp_path, "# nothing\n")
    assert "came list" in message(tmp_path, "- a\n")
    with pytest.raises(ConfigError, match="no such config file"):
        load_config(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"source: caf\xe9\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(tmp_path / "latin.yaml")


def test_the_environment_fills_paths(tmp_path, monkeypatch):
    monkeypatch.setenv("HOLDFAST_SOMEWHERE", "/there")
    config = load(tmp_path, SMALL.replace("source:", "source:\n  root: ${HOLDFAST_SOMEWHERE:-../here}/x"))
    assert config.source.root == "${HOLDFAST_SOMEWHERE:-../here}/x"
    assert config.build_source().folder == Path("/there/x")
    monkeypatch.delenv("HOLDFAST_SOMEWHERE")
    assert config.build_source().folder == tmp_path.resolve() / "../here/x"
    assert expand("plain") == "plain"


def test_a_config_is_frozen(tmp_path):
    config = load(tmp_path, SMALL)
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 8


@pytest.mark.parametrize("name", ["online_retail", "cdnow", "telco"])
def test_the_configs_of_the_repository_are_valid(name):
    config = load_config(Path(__file__).parents[2] / "configs" / f"{name}.yaml")
    assert config.tune.trials == 10
    assert config.offers


def test_pseudonyms_are_refused_rather_than_ignored():
    content = {
        "source": {
            "tables": {"purchases": {"path": "p.csv", "columns": {"customer_id": "c", "at": "d", "amount": "a"}}}
        },
        "tasks": {"churn": {"kind": "silence"}},
        "privacy": {"pseudonymise": True},
    }
    with pytest.raises(ConfigError, match=r"privacy\.pseudonymise: came true"):
        Config.from_dict(content)


def offer(tmp_path: Path, words: str):
    return load(tmp_path, f"{SMALL}\noffers: [{{name: o, effect: {{assumed: 0.1}}{words}}}]\n").offers[0]


def test_a_share_who_accept_stands_for_both_and_is_all_without_a_word(tmp_path):
    for words, expected in (("", (1.0, 1.0)), (", accept_rate: 0.3", (0.3, 0.3)),
                            (", accept_rate: {leavers: 0.2}", (0.2, 0.2)),
                            (", accept_rate: {stayers: 0.4, leavers: 0.1}", (0.4, 0.1))):  # fmt: skip
        rate = offer(tmp_path, words).accept_rate
        assert (rate.stayers, rate.leavers) == expected


def test_a_condition_that_cannot_be_read_is_refused_when_the_config_is(tmp_path):
    assert offer(tmp_path, ', eligible: "clv > 50"').eligible == "clv > 50"
    said = message(tmp_path, f'{SMALL}\noffers: [{{name: o, effect: {{assumed: 0.1}}, eligible: "clv >"}}]\n')
    assert "eligible" in said


@pytest.mark.parametrize("words", ["holdout: 0.6", "budget: 1e13", "global_holdout: 0.7"])
def test_targeting_without_sense_is_refused(tmp_path, words):
    assert words.split(":")[0] in message(tmp_path, f"{SMALL}\ntargeting: {{{words}}}\n")
