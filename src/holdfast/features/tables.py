"""Features from the optional tables: service, relationship and contract; a block per present table.

Cells that reveal themselves later (`resolved_at`, `left_at`, …) count at a cutoff only when they lie
before it, exactly as `Histories.upto` blanks them.
"""

from collections.abc import Iterator

from holdfast.features.block import Available, Block
from holdfast.features.feature import Feature

WINDOWS = (30, 90, 365)


def optional_blocks(have: Available) -> Iterator[Block]:
    """One block for each optional table that is present."""
    for table, build in _BUILDERS.items():
        if table in have.columns:
            yield build(have)


def _block(name: str, cells: dict[str, str], features: list[Feature], source: str = "", key: str = "customer_id") -> Block:
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
                "last contact {contacts_days_since_last:.0f} days ago", "contacts")
    ]  # fmt: skip
    for w in WINDOWS:
        cells[f"contacts_{w}d"] = _count("TRUE", w)
        words = f"{{contacts_{w}d:.0f}} contacts in the last {w} days"
        features.append(Feature(f"contacts_{w}d", "contacts", "relationship", f"{w}d", "service", words, "contacts"))
        if have.has("contacts", "direction"):
            cells[f"inbound_contacts_{w}d"] = _count("t.direction = 'inbound'", w)
            words = f"contacted us {{inbound_contacts_{w}d:.0f}} times in the last {w} days"
            name = f"inbound_contacts_{w}d"
            features.append(Feature(name, "contacts", "service", f"{w}d", "service", words, "contacts"))
    if have.has("contacts", "direction", "responded_at"):
        cells["unanswered_contacts_90d"] = _count(f"t.direction = 'inbound' AND NOT {_known('responded_at')}", 90)
        words = "{unanswered_contacts_90d:.0f} of the customer's contacts not answered in the last 90 days"
        features.append(Feature("unanswered_contacts_90d", "contacts", "service", "90d", "service", words, "contacts"))
    if have.has("contacts", "purpose"):
        for purpose, exit_class in _CONTACT_PURPOSES.items():
            name = f"contacts_about_{purpose}_180d"
            cells[name] = _count(f"t.purpose = '{purpose}'", 180)
            words = f"{{{name}:.0f}} contacts about {purpose} in the last 180 days"
            features.append(Feature(name, "contacts", "service", "180d", exit_class, words, "contacts"))
    return _block("contacts", cells, features)


def _complaints(have: Available) -> Block:
    cells = {"complaints_days_since_last": f"MIN({_age()})"}
    words = "last complaint {complaints_days_since_last:.0f} days ago"
    features = [Feature("complaints_days_since_last", "days", "service", "all", "service", words, "complaints")]
    for w in WINDOWS:
        cells[f"complaints_{w}d"] = _count("TRUE", w)
        words = f"{{complaints_{w}d:.0f}} complaints in the last {w} days"
        features.append(Feature(f"complaints_{w}d", "complaints", "service", f"{w}d", "service", words, "complaints"))
    if have.has("complaints", "resolved_at"):
        cells["open_complaints"] = _count(f"NOT {_known('resolved_at')}")
        hours = f"CASE WHEN {_known('resolved_at')} THEN DATEDIFF(CAST(t.resolved_at AS DATE), CAST(t.at AS DATE)) END"
        cells["complaint_days_to_resolve"] = f"CAST(SUM({hours}) AS DOUBLE) / NULLIF(COUNT({hours}), 0)"
        features += [
            Feature("open_complaints", "complaints", "service", "all", "service",
                    "{open_complaints:.0f} complaints still open", "complaints"),
            Feature("complaint_days_to_resolve", "days", "service", "all", "service",
                    "complaints took {complaint_days_to_resolve:.0f} days to resolve", "complaints"),
        ]  # fmt: skip
    if have.has("complaints", "responded_at"):
        cells["complaints_unanswered_90d"] = _count(f"NOT {_known('responded_at')}", 90)
        words = "{complaints_unanswered_90d:.0f} complaints without an answer in the last 90 days"
        name = "complaints_unanswered_90d"
        features.append(Feature(name, "complaints", "service", "90d", "service", words, "complaints"))
    if have.has("complaints", "topic"):
        for topic, exit_class in _COMPLAINT_TOPICS.items():
            name = f"complaints_about_{topic}_180d"
            cells[name] = _count(f"t.topic = '{topic}'", 180)
            words = f"{{{name}:.0f}} complaints about {topic} in the last 180 days"
            features.append(Feature(name, "complaints", "service", "180d", exit_class, words, "complaints"))
    return _block("complaints", cells, features)


def _surveys(have: Available) -> Block:
    cells = {"surveys_365d": _count("TRUE", 365)}
    features = [Feature("surveys_365d", "surveys", "relationship", "365d", "service", "answered {surveys_365d:.0f} surveys",
                        "surveys")]  # fmt: skip
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
            words = f"last {answer} score {{{answer}_last:.1f}}"
            features.append(Feature(f"{answer}_last", "points", "relationship", "last", exit_class, words, "surveys"))
            words = f"{answer} score changed by {{{answer}_change:+.1f}} to {{{answer}_last:.1f}}"
            features.append(Feature(f"{answer}_change", "points", "relationship", "all", exit_class, words, "surveys"))
    return _block("surveys", cells, features)


def _campaigns(have: Available) -> Block:
    treated = "t.arm = 'treated'"
    cells = {f"campaigns_{w}d": _count(treated, w) for w in WINDOWS}
    features = [
        Feature(f"campaigns_{w}d", "campaigns", "relationship", f"{w}d", "price",
                f"{{campaigns_{w}d:.0f}} campaigns in the last {w} days", "campaigns")
        for w in WINDOWS
    ]  # fmt: skip
    if have.has("campaigns", "redeemed_at"):
        cells["campaigns_redeemed_365d"] = _count(f"{treated} AND {_known('redeemed_at')}", 365)
        words = "redeemed {campaigns_redeemed_365d:.0f} offers in the last 365 days"
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
                "{memberships_active:.0f} active memberships", "memberships"),
        Feature("memberships_left", "memberships", "relationship", "all", "service",
                "left {memberships_left:.0f} programmes", "memberships"),
        Feature("membership_days", "days", "relationship", "all", "service",
                "member for {membership_days:.0f} days", "memberships"),
    ]  # fmt: skip
    if have.has("memberships", "points"):
        cells["membership_points"] = "CAST(MAX(t.points) AS DOUBLE)"
        words = "{membership_points:,.0f} points"
        features.append(Feature("membership_points", "points", "relationship", "all", "price", words, "memberships"))
    return _block("memberships", cells, features, "memberships t JOIN cutoffs c ON t.joined_at < c.cutoff")


def _referrals(have: Available) -> Block:
    cells = {"referrals_365d": _count("TRUE", 365), "referrals_all": _count("TRUE")}
    words = "referred {referrals_all:.0f} customers"
    features = [
        Feature("referrals_365d", "customers", "relationship", "365d", None, words, "referrals"),
        Feature("referrals_all", "customers", "relationship", "all", None, words, "referrals"),
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
        Feature("contracts_active", "contracts", "contract", "all", None, "{contracts_active:.0f} contracts in force",
                "contracts"),
        Feature("contracts_ended", "contracts", "contract", "all", None, "ended {contracts_ended:.0f} contracts so far",
                "contracts"),
        Feature("contract_days", "days", "contract", "all", None, "contract has run for {contract_days:.0f} days",
                "contracts"),
    ]  # fmt: skip
    if have.has("contracts", "price"):
        cells["contract_price"] = f"CAST(MAX(CASE WHEN {active} THEN t.price END) AS DOUBLE)"
        features.append(Feature("contract_price", "money", "contract", "now", "price", "pays {contract_price:,.2f}", "contracts"))
    if have.has("contracts", "price", "market_price"):
        gap = "CAST(t.price AS DOUBLE) / NULLIF(CAST(t.market_price AS DOUBLE), 0)"
        cells["price_over_market"] = f"MAX(CASE WHEN {active} THEN {gap} END)"
        words = "pays {price_over_market:.2f} times the market price"
        features.append(Feature("price_over_market", "ratio", "contract", "now", "price", words, "contracts"))
    if have.has("contracts", "term_months"):
        cells["contract_term_months"] = f"MAX(CASE WHEN {active} THEN t.term_months END)"
        used = f"{_age('t.started_at')} / NULLIF(CAST(t.term_months AS DOUBLE) * CAST(30.4375 AS DOUBLE), 0)"
        cells["contract_term_used"] = f"MAX(CASE WHEN {active} THEN {used} END)"
        features += [
            Feature("contract_term_months", "months", "contract", "now", None,
                    "contract of {contract_term_months:.0f} months", "contracts"),
            Feature("contract_term_used", "share", "contract", "now", None,
                    "{contract_term_used:.0%} of the term has passed", "contracts"),
        ]  # fmt: skip
    return _block("contracts", cells, features, "contracts t JOIN cutoffs c ON t.started_at < c.cutoff")


def _payments(have: Available) -> Block:
    cells = {"payments_365d": _count("TRUE", 365)}
    features = [Feature("payments_365d", "payments", "contract", "365d", None, "{payments_365d:.0f} payments in 365 days",
                        "payments")]  # fmt: skip
    if have.has("payments", "status"):
        for w in (90, 365):
            cells[f"payments_failed_{w}d"] = _count("t.status = 'failed'", w)
            words = f"{{payments_failed_{w}d:.0f}} payments failed in the last {w} days"
            name = f"payments_failed_{w}d"
            features.append(Feature(name, "payments", "contract", f"{w}d", "price", words, "payments"))
    return _block("payments", cells, features)


def _events(have: Available) -> Block:
    cells = {"events_days_since_last": f"MIN({_age()})"}
    features = [Feature("events_days_since_last", "days", "recency", "all", "technology",
                        "last activity {events_days_since_last:.0f} days ago", "events")]  # fmt: skip
    for w in WINDOWS:
        cells[f"events_{w}d"] = _count("TRUE", w)
        cells[f"usage_events_{w}d"] = _count("t.kind = 'usage'", w)
        words = f"{{events_{w}d:.0f}} activities in the last {w} days"
        features.append(Feature(f"events_{w}d", "events", "frequency", f"{w}d", None, words, "events"))
        words = f"used the service {{usage_events_{w}d:.0f}} times in the last {w} days"
        features.append(Feature(f"usage_events_{w}d", "events", "frequency", f"{w}d", "technology", words, "events"))
    recent, earlier = _count("t.kind = 'usage'", 60), _count("t.kind = 'usage'", 180)
    half = "CAST(0.5 AS DOUBLE)"
    cells["usage_60d_over_prior_120d"] = f"LN(({recent} + {half}) / (({earlier} - {recent}) / CAST(2 AS DOUBLE) + {half}))"
    words = "uses the service less: {usage_events_30d:.0f} times in 30 days, {usage_events_90d:.0f} in 90"
    name = "usage_60d_over_prior_120d"
    features.append(Feature(name, "log ratio", "trend", "60d/180d", "technology", words, "events"))
    return _block("events", cells, features)


_CONTACT_PURPOSES = {
    "price": "price",
    "move": "market",
    "technology": "technology",
    "responsibility": "political",
    "complaint": "service",
    "service": "service",
}
_COMPLAINT_TOPICS = {
    "price": "price",
    "quality": "product",
    "service": "service",
    "technology": "technology",
    "responsibility": "political",
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
