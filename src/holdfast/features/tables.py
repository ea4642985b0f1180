"""Features from the optional tables: service, relationship and contract; a block per present table.

Cells that reveal themselves later (`resolved_at`, `left_at`, …) count at a cutoff only when they lie
before it, exactly as `Histories.upto` blanks them.
"""

from collections.abc import Iterator

from holdfast.features.block import Available, Block
from holdfast.features.feature import Case, Feature
from holdfast.features.spoken import ACTIVITY, CONTACT, USE
from holdfast.schema import TABLES

WINDOWS = (30, 90, 365)


def optional_blocks(have: Available) -> Iterator[Block]:
    """One block for each optional table that is present and dated."""
    for table, build in _BUILDERS.items():
        if have.has(table, str(TABLES[table].time)):
            yield build(have)


def _block(
    name: str, cells: dict[str, str], features: list[Feature], source: str = "", key: str = "customer_id"
) -> Block:
    listing = ", ".join(f"{sql} AS {column}" for column, sql in cells.items())
    table = source or f"{name} t JOIN cutoffs c ON t.at < c.cutoff"
    sql = f"SELECT t.{key} AS customer_id, c.cutoff, {listing} FROM {table} GROUP BY t.{key}, c.cutoff"
    counts = frozenset(column for column, cell in cells.items() if cell.startswith("SUM(CASE"))
    return Block(name, sql, tuple(features), counts=counts)


def _age(column: str = "t.at") -> str:
    return f"DATEDIFF(c.cutoff, CAST({column} AS DATE))"


def _count(condition: str, window: int | None = None) -> str:
    inside = f" AND {_age()} <= {window}" if window else ""
    return f"SUM(CASE WHEN {condition}{inside} THEN 1 ELSE 0 END)"


def _ordered(function: str, column: str) -> str:
    """First or last value given; of several at one moment the value decides, so that ties do not."""
    order = f"CASE WHEN t.{column} IS NOT NULL THEN NAMED_STRUCT('at', t.at, 'value', t.{column}) END"
    return f"CAST({function}(t.{column}, {order}) AS DOUBLE)"


def _known(column: str) -> str:
    return f"(t.{column} IS NOT NULL AND t.{column} < c.cutoff)"


def _contacts(have: Available) -> Block:
    cells = {"contacts_days_since_last": f"MIN({_age()})"}
    features = [
        Feature("contacts_days_since_last", "days", "relationship", "all", "service",
                "last contact {contacts_days_since_last:# day|# days} ago", "contacts", about=(CONTACT,),
                cases=(Case("no contact so far", "contacts_days_since_last", about=(CONTACT,)),))
    ]  # fmt: skip
    for w in WINDOWS:
        cells[f"contacts_{w}d"] = _count("TRUE", w)
        words = f"{{contacts_{w}d:no contact|one contact|# contacts}} in the last {w} days"
        name = f"contacts_{w}d"
        features.append(
            Feature(name, "contacts", "relationship", f"{w}d", "service", words, "contacts", about=(CONTACT,))
        )
        if have.has("contacts", "direction"):
            cells[f"inbound_contacts_{w}d"] = _count("t.direction = 'inbound'", w)
            words = f"contacted us {{inbound_contacts_{w}d:once|# times}} in the last {w} days"
            name = f"inbound_contacts_{w}d"
            quiet = Case(f"did not contact us in the last {w} days", name, below=1, about=(CONTACT,), weak=True)
            features.append(
                Feature(
                    name, "contacts", "service", f"{w}d", "service", words, "contacts", cases=(quiet,), about=(CONTACT,)
                )
            )
    if have.has("contacts", "direction", "responded_at"):
        cells["unanswered_contacts_90d"] = _count(f"t.direction = 'inbound' AND NOT {_known('responded_at')}", 90)
        words = "contacted us {unanswered_contacts_90d:once|# times} without an answer in the last 90 days"
        name = "unanswered_contacts_90d"
        none = _none(name, "no contact left without an answer in the last 90 days")
        features.append(Feature(name, "contacts", "service", "90d", "service", words, "contacts", cases=none))
    if have.has("contacts", "purpose"):
        for purpose, exit_class in _CONTACT_PURPOSES.items():
            name = f"contacts_about_{purpose}_180d"
            cells[name] = _count(f"t.purpose = '{purpose}'", 180)
            about = f"about {_SUBJECTS.get(purpose, purpose)} in the last 180 days"
            words, none = f"{{{name}:one contact|# contacts}} {about}", _none(name, f"no contact {about}")
            features.append(Feature(name, "contacts", "service", "180d", exit_class, words, "contacts", cases=none))
    return _block("contacts", cells, features)


def _complaints(have: Available) -> Block:
    cells = {"complaints_days_since_last": f"MIN({_age()})"}
    name, words = "complaints_days_since_last", "last complaint {complaints_days_since_last:# day|# days} ago"
    never = (Case("never complained", name, weak=True),)
    features = [Feature(name, "days", "service", "all", "service", words, "complaints", cases=never)]
    for w in WINDOWS:
        cells[f"complaints_{w}d"] = _count("TRUE", w)
        name, words = f"complaints_{w}d", f"{{complaints_{w}d:one complaint|# complaints}} in the last {w} days"
        none = _none(name, f"no complaint in the last {w} days")
        features.append(Feature(name, "complaints", "service", f"{w}d", "service", words, "complaints", cases=none))
    if have.has("complaints", "resolved_at"):
        cells["open_complaints"] = _count(f"NOT {_known('resolved_at')}")
        hours = f"CASE WHEN {_known('resolved_at')} THEN DATEDIFF(CAST(t.resolved_at AS DATE), CAST(t.at AS DATE)) END"
        cells["complaint_days_to_resolve"] = f"CAST(SUM({hours}) AS DOUBLE) / NULLIF(COUNT({hours}), 0)"
        features += [
            Feature("open_complaints", "complaints", "service", "all", "service",
                    "{open_complaints:one complaint|# complaints} still open", "complaints",
                    cases=_none("open_complaints", "no complaint open")),
            Feature("complaint_days_to_resolve", "days", "service", "all", "service",
                    "complaints took {complaint_days_to_resolve:a day|# days} to resolve on average", "complaints",
                    cases=(Case("no complaint resolved so far", "complaint_days_to_resolve", weak=True),
                           Case("complaints were resolved on the same day", "complaint_days_to_resolve", below=0.5,
                                weak=True))),
        ]  # fmt: skip
    if have.has("complaints", "responded_at"):
        cells["complaints_unanswered_90d"] = _count(f"NOT {_known('responded_at')}", 90)
        words = "{complaints_unanswered_90d:one complaint|# complaints} of the last 90 days without an answer"
        name = "complaints_unanswered_90d"
        none = _none(name, "no complaint of the last 90 days without an answer")
        features.append(Feature(name, "complaints", "service", "90d", "service", words, "complaints", cases=none))
    if have.has("complaints", "topic"):
        for topic, exit_class in _COMPLAINT_TOPICS.items():
            name = f"complaints_about_{topic}_180d"
            cells[name] = _count(f"t.topic = '{topic}'", 180)
            about = f"about {_SUBJECTS.get(topic, topic)} in the last 180 days"
            words, none = f"{{{name}:one complaint|# complaints}} {about}", _none(name, f"no complaint {about}")
            features.append(Feature(name, "complaints", "service", "180d", exit_class, words, "complaints", cases=none))
    return _block("complaints", cells, features)


def _surveys(have: Available) -> Block:
    cells = {"surveys_365d": _count("TRUE", 365)}
    words = "answered {surveys_365d:no survey|one survey|# surveys} in the last 365 days"
    features = [Feature("surveys_365d", "surveys", "relationship", "365d", "service", words, "surveys")]
    for answer, exit_class in (
        ("trust", "political"),
        ("commitment", "political"),
        ("satisfaction", "service"),
        ("nps", "service"),
    ):
        if have.has("surveys", answer):
            last, first = _ordered("MAX_BY", answer), _ordered("MIN_BY", answer)
            cells[f"{answer}_last"] = last
            cells[f"{answer}_change"] = f"{last} - {first}"
            label = "recommendation (NPS)" if answer == "nps" else answer
            now, name = f"last {label} score {{{answer}_last:about}}", f"{answer}_change"
            never = Case(f"no {label} score on record", f"{answer}_last")
            features.append(
                Feature(f"{answer}_last", "points", "relationship", "last", exit_class, now, "surveys", cases=(never,))
            )
            change = f"{label} score changed by {{{name}:+.1f}} to {{{answer}_last:about}}"
            cases = (never, Case(now, name, least=-0.05, below=0.05), Case(change, name, least=0, weak=True))
            features.append(Feature(name, "points", "relationship", "all", exit_class, change, "surveys", cases=cases))
    return _block("surveys", cells, features)


def _campaigns(have: Available) -> Block:
    treated = "t.arm = 'treated'"
    cells = {f"campaigns_{w}d": _count(treated, w) for w in WINDOWS}
    features = [
        Feature(f"campaigns_{w}d", "campaigns", "relationship", f"{w}d", "price",
                f"chosen for {{campaigns_{w}d:no campaign|one campaign|# campaigns}} in the last {w} days", "campaigns")
        for w in WINDOWS
    ]  # fmt: skip
    if have.has("campaigns", "redeemed_at"):
        cells["campaigns_redeemed_365d"] = _count(f"{treated} AND {_known('redeemed_at')}", 365)
        words = "redeemed {campaigns_redeemed_365d:no offer|one offer|# offers} in the last 365 days"
        name = "campaigns_redeemed_365d"
        features.append(Feature(name, "offers", "relationship", "365d", "price", words, "campaigns"))
    return _block("campaigns", cells, features)


def _memberships(have: Available) -> Block:
    active = f"NOT {_known('left_at')}" if have.has("memberships", "left_at") else "TRUE"
    cells = {
        "memberships_active": _count(active),
        "memberships_left": _count(f"NOT ({active})"),
        "membership_days": f"MAX({_age('t.joined_at')})",
    }
    features = [
        Feature("memberships_active", "memberships", "relationship", "all", "service",
                "{memberships_active:no active membership|one active membership|# active memberships}", "memberships"),
        Feature("memberships_left", "memberships", "relationship", "all", "service",
                "left {memberships_left:one programme|# programmes} so far", "memberships",
                cases=_none("memberships_left", "left no programme so far")),
        Feature("membership_days", "days", "relationship", "all", "service",
                "first joined a programme {membership_days:# day|# days} ago", "memberships",
                cases=(Case("never joined a programme", "membership_days"),)),
    ]  # fmt: skip
    if have.has("memberships", "points"):
        cells["membership_points"] = "CAST(MAX(t.points) AS DOUBLE)"
        words = "{membership_points:no points|one point|# points} collected in a programme"
        none = (Case("no points on record", "membership_points"),)
        features.append(
            Feature("membership_points", "points", "relationship", "all", "price", words, "memberships", cases=none)
        )
    return _block("memberships", cells, features, "memberships t JOIN cutoffs c ON t.joined_at < c.cutoff")


def _referrals(have: Available) -> Block:
    cells = {"referrals_365d": _count("TRUE", 365), "referrals_all": _count("TRUE")}
    recent = "referred {referrals_365d:nobody|one customer|# customers} in the last 365 days"
    ever = "referred {referrals_all:nobody|one customer|# customers} so far"
    never = _none("referrals_all", "referred nobody so far", weak=False)
    features = [
        Feature("referrals_365d", "customers", "relationship", "365d", None, recent, "referrals", cases=never),
        Feature("referrals_all", "customers", "relationship", "all", None, ever, "referrals"),
    ]
    return _block("referrals", cells, features, key="referrer_id")


def _contracts(have: Available) -> Block:
    active = f"NOT {_known('ended_at')}" if have.has("contracts", "ended_at") else "TRUE"
    cells = {
        "contracts_active": _count(active),
        "contracts_ended": _count(f"NOT ({active})"),
        "contract_days": f"MAX(CASE WHEN {active} THEN {_age('t.started_at')} END)",
    }
    features = [
        Feature("contracts_active", "contracts", "contract", "all", None,
                "{contracts_active:no contract|one contract|# contracts} in force", "contracts"),
        Feature("contracts_ended", "contracts", "contract", "all", None,
                "{contracts_ended:one contract|# contracts} ended so far", "contracts",
                cases=_none("contracts_ended", "no contract ended so far")),
        Feature("contract_days", "days", "contract", "all", None, "contract began {contract_days:# day|# days} ago",
                "contracts", cases=(Case("no contract in force", "contract_days"),)),
    ]  # fmt: skip
    if have.has("contracts", "price"):
        cells["contract_price"] = f"CAST(MAX(CASE WHEN {active} THEN t.price END) AS DOUBLE)"
        words = "contract price {contract_price:,.2f}"
        features.append(Feature("contract_price", "money", "contract", "now", "price", words, "contracts"))
        cells["contract_price_change"] = _price_change(active)
        name = "contract_price_change"
        cases = (
            Case("no earlier contract with a price", name),
            Case("contract price as in the contract before", name, least=-0.005, below=0.005),
        )
        words = "contract price changed by {contract_price_change:+.0%} from the contract before"
        features.append(Feature(name, "share", "contract", "now", "price", words, "contracts", cases=cases))
    if have.has("contracts", "price", "market_price"):
        gap = "CAST(t.price AS DOUBLE) / NULLIF(CAST(t.market_price AS DOUBLE), 0)"
        cells["price_over_market"] = f"MAX(CASE WHEN {active} THEN {gap} END)"
        words = "contract price is {price_over_market:.0%} of the market price"
        features.append(Feature("price_over_market", "ratio", "contract", "now", "price", words, "contracts"))
    if have.has("contracts", "term_months"):
        cells["contract_term_months"] = f"MAX(CASE WHEN {active} THEN t.term_months END)"
        used = f"{_age('t.started_at')} / NULLIF(CAST(t.term_months AS DOUBLE) * CAST(30.4375 AS DOUBLE), 0)"
        cells["contract_term_used"] = f"MAX(CASE WHEN {active} THEN {used} END)"
        features += [
            Feature("contract_term_months", "months", "contract", "now", None,
                    "contract term {contract_term_months:not fixed|of one month|of # months}", "contracts"),
            Feature("contract_term_used", "share", "contract", "now", None,
                    "{contract_term_used:.0%} of the contract term has passed", "contracts",
                    cases=(Case("contract has run past its term", "contract_term_used", least=1),)),
        ]  # fmt: skip
    source = "contracts"
    if have.has("contracts", "price"):
        before = "LAG(CAST(k.price AS DOUBLE)) OVER (PARTITION BY k.customer_id ORDER BY k.started_at, k.price)"
        source = f"(SELECT k.*, {before} AS price_before FROM contracts k)"
    return _block("contracts", cells, features, f"{source} t JOIN cutoffs c ON t.started_at < c.cutoff")


def _price_change(active: str) -> str:
    """Price of the newest contract in force over that of the customer's contract before it, minus one."""
    change = "(CAST(t.price AS DOUBLE) / NULLIF(t.price_before, 0) - CAST(1 AS DOUBLE))"
    order = f"CASE WHEN {active} AND {change} IS NOT NULL THEN NAMED_STRUCT('at', t.started_at, 'value', {change}) END"
    return f"CAST(MAX_BY({change}, {order}) AS DOUBLE)"


def _payments(have: Available) -> Block:
    cells = {"payments_365d": _count("TRUE", 365)}
    words = "{payments_365d:no payment|one payment|# payments} in the last 365 days"
    features = [Feature("payments_365d", "payments", "contract", "365d", None, words, "payments")]
    if have.has("payments", "status"):
        for w in (90, 365):
            cells[f"payments_failed_{w}d"] = _count("t.status = 'failed'", w)
            name = f"payments_failed_{w}d"
            words = f"{{{name}:one payment|# payments}} failed in the last {w} days"
            none = _none(name, f"no payment failed in the last {w} days")
            features.append(Feature(name, "payments", "contract", f"{w}d", "price", words, "payments", cases=none))
    return _block("payments", cells, features)


def _events(have: Available) -> Block:
    cells = {"events_days_since_last": f"MIN({_age()})"}
    features = [Feature("events_days_since_last", "days", "recency", "all", "technology",
                        "last activity {events_days_since_last:# day|# days} ago", "events", about=(ACTIVITY,),
                        cases=(Case("no activity so far", "events_days_since_last", about=(ACTIVITY,)),))]  # fmt: skip
    for w in WINDOWS:
        cells[f"events_{w}d"] = _count("TRUE", w)
        cells[f"usage_events_{w}d"] = _count("t.kind = 'usage'", w)
        words = f"{{events_{w}d:one activity|# activities}} in the last {w} days"
        quiet = Case(f"no activity in the last {w} days", f"events_{w}d", below=1, about=(ACTIVITY, USE))
        features.append(Feature(f"events_{w}d", "events", "frequency", f"{w}d", None, words, "events", cases=(quiet,)))
        name, words = f"usage_events_{w}d", f"used the service {{usage_events_{w}d:once|# times}} in the last {w} days"
        unused = Case(f"did not use the service in the last {w} days", name, below=1, about=(USE,))
        features.append(
            Feature(name, "events", "frequency", f"{w}d", "technology", words, "events", cases=(unused,), about=(USE,))
        )
    if have.has("events", "object"):
        for thing, exit_class in _EVENT_OBJECTS.items():
            column = f"{thing}_events_90d"
            cells[column] = _count(f"t.object = '{thing}'", 90)
            spoken, none = (f"{words} in the last 90 days" for words in _OBJECT_WORDS[thing])
            words = spoken.format(column=column)
            cases = _none(column, none)
            features.append(Feature(column, "events", "relationship", "90d", exit_class, words, "events", cases=cases))
    recent, earlier = _count("t.kind = 'usage'", 60), _count("t.kind = 'usage'", 180)
    half = "CAST(0.5 AS DOUBLE)"
    before = f"({earlier} - {recent}) / CAST(2 AS DOUBLE)"
    cells["usage_60d_over_prior_120d"] = f"LN(({recent} + {half}) / ({before} + {half}))"
    name = "usage_60d_over_prior_120d"
    counts = "{usage_events_30d:not once|once|# times} in the last 30 days, {usage_events_90d:#|#} in the last 90"
    cases = (
        Case("did not use the service in the last 365 days", "usage_events_365d", below=1, about=(USE,)),
        Case(f"uses the service less than before: {counts}", name, below=0, about=(USE,)),
    )
    words = f"used the service {counts}"
    features.append(
        Feature(
            name, "log ratio", "trend", "60d/180d", "technology", words, "events", cases=cases, about=(USE,), weak=True
        )
    )
    return _block("events", cells, features)


def _none(name: str, words: str, *, weak: bool = True) -> tuple[Case, ...]:
    """The sentence for a count of zero; that nothing went wrong explains little."""
    return (Case(words, name, below=1, weak=weak),)


_SUBJECTS = {"address": "a change of address", "responsibility": "the firm's conduct"}

_CONTACT_PURPOSES = {
    "price": "price",
    "quality": "product",
    "service": "service",
    "address": "market",
    "technology": "technology",
    "responsibility": "political",
    "advertising": "service",
}
_COMPLAINT_TOPICS = {
    "price": "price",
    "quality": "product",
    "service": "service",
    "delivery": "service",
    "technology": "technology",
    "responsibility": "political",
    "advertising": "service",
}
_EVENT_OBJECTS = {"comparison": "price", "new_technology": "technology", "press": "political"}
"""Words that the features know; a firm's own words are mapped onto them by a SQL expression in the config."""

_OBJECT_WORDS = {
    "comparison": ("compared prices {{{column}:once|# times}}", "compared no prices"),
    "new_technology": ("looked at a newer technology {{{column}:once|# times}}", "looked at no newer technology"),
    "press": ("looked at press reports {{{column}:once|# times}}", "looked at no press reports"),
}

_BUILDERS = {
    "contacts": _contacts,
    "complaints": _complaints,
    "surveys": _surveys,
    "campaigns": _campaigns,
    "memberships": _memberships,
    "referrals": _referrals,
    "contracts": _contracts,
    "payments": _payments,
    "events": _events,
}
