"""How people spell canonical columns and tables: lists of spellings, compared without case and punctuation."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

CUSTOMER_STEMS = (
    "customer", "cust", "client", "user", "member", "account", "subscriber", "buyer", "policyholder", "polholder",
    "shopper", "visitor", "consumer", "contact", "person", "donor", "guest", "msisdn", "kunde", "kunden", "cliente",
)  # fmt: skip
"""Words for a customer, the most telling first; an id ending may follow."""
_ID_ENDINGS = ("", "id", "no", "nr", "num", "number", "code", "key", "uid", "uuid", "ref", "nummer")
_CURRENCIES = {"usd": "USD", "eur": "EUR", "gbp": "GBP", "chf": "CHF", "inr": "INR", "cad": "CAD", "aud": "AUD",
               "jpy": "JPY", "dollar": "USD", "dollars": "USD", "euro": "EUR", "euros": "EUR"}  # fmt: skip
_DATE = "date datetime timestamp time day at ts createdat createdon created datum occurredat eventtime eventdate"
_AMOUNT = (
    "amount lineamount linetotal totalamount ordertotal ordervalue orderamount invoiceamount invoicetotal totalprice "
    "totalvalue total revenue turnover sales salesamount saleamount netamount netsales netvalue grossamount grosssales "
    "grandtotal transactionamount transactionvalue purchaseamount amountpaid paidamount paid spend spent spending "
    "value paymentvalue paymentamount sum subtotal totalsales monetary basketvalue extendedprice betrag umsatz summe"
)
_REASON = "reason reasoncode cancelreason cancellationreason churnreason exitreason leavereason terminationreason"

_TEXT = f"""
purchases.at: invoicedate orderdate purchasedate transactiondate saledate salesdate orderpurchasetimestamp orderedat
  purchasedat boughtat trandate txndate transdate bookingdate billdate receiptdate invoicedatetime orderdatetime
  transactiontime kaufdatum bestelldatum {_DATE}
purchases.amount: {_AMOUNT}
purchases.order_id#: order invoice transaction txn trans receipt basket bill purchase sale booking
purchases.product_id#: product stock sku item article material isbn asin upc ean prod
purchases.quantity: quantity qty units pieces numitems itemcount menge noofitems numberofitems numberofcds unitssold
purchases.unit_price: unitprice price itemprice priceperunit productprice sellingprice saleprice priceeach preis
purchases.list_price: listprice rrp msrp originalprice regularprice fullprice
purchases.cost: cost unitcost cogs costprice
purchases.category: category productcategory department productgroup producttype productline categoryname itemcategory
purchases.channel: channel saleschannel orderchannel
purchases.employee_id#: employee salesperson staff salesrep clerk cashier
customers.joined_at: joindate joined signupdate signup signedupat registrationdate registeredat registered createdat
  customersince membersince since enrolmentdate enrollmentdate dtcustomer dateofjoining accountopened opendate openedat
  activationdate firstseen onboardingdate accountcreated
customers.birth_date: dob dateofbirth birthday born geburtsdatum
customers.region: region
customers.segment: segment customersegment
customers.household_id#: household
customers.parent_id#: parent parentaccount parentcustomer
customers.kind: kind customerkind
contracts.contract_id#: contract subscription policy agreement
contracts.started_at: startdate start started contractstart contractstartdate subscriptionstart subscriptionstartdate
  validfrom begindate begin effectivedate inceptiondate signupdate joindate joinedat activationdate subscriptiondate
  opendate openedat customersince membersince registrationdate registeredat createdat vertragsbeginn
contracts.ended_at: enddate end ended contractend contractenddate subscriptionend subscriptionenddate terminationdate
  terminatedat cancellationdate canceldate cancelledat canceledat churndate churnedat closedate closedat leftat
  leavedate exitdate lapsedate expirydate expirationdate validto validuntil vertragsende
contracts.end_reason: endreason {_REASON}
contracts.plan: plan plantier planname plantype tariff tarif subscriptiontype contracttype package subscriptionplan tier
contracts.price: price monthlyprice monthlycharge monthlycharges mrramount mrr fee premium monthlyfee planprice amount
contracts.term_months: term contractmonths durationmonths
contracts.market_price: premmarket competitorprice
payments.at: paymentdate paidat paydate billingdate {_DATE}
payments.amount: {_AMOUNT}
payments.status: status paymentstatus state result
events.at: usagedate visitdate clickedat {_DATE}
events.kind: kind event eventtype eventname type action activity activitytype featurename
events.object: object page url feature item
events.value: value usagecount duration minutes
contacts.at: contactdate calldate contactedat {_DATE}
contacts.direction: direction
contacts.channel: channel contactchannel medium
contacts.purpose: purpose contacttype contactreason
contacts.employee_id#: employee agent staff rep
contacts.responded_at: respondedat responsedate answeredat
complaints.at: complaintdate submittedat openedat reportedat receivedat opendate raisedat filedat {_DATE}
complaints.topic: topic category complainttype issue issuetype subject type
complaints.responded_at: respondedat responsedate firstresponseat answeredat
complaints.resolved_at: resolvedat closedat resolutiondate closeddate closedate solvedat
complaints.followed_up_at: followupat followupdate
surveys.at: surveydate respondedat responsedate answeredat submittedat {_DATE}
surveys.trust: trustscore
surveys.commitment: commitmentscore
surveys.satisfaction: satisfactionscore csat rating
surveys.nps: npsscore recommend likelihoodtorecommend
preferences.at: {_DATE}
preferences.topic: topic preference interest
preferences.value: value
referrals.referrer_id#: referrer referredby advocate inviter
referrals.referred_id#: referred referee invited invitee
referrals.at: referraldate invitedat {_DATE}
memberships.programme: program club loyaltyprogram loyaltyprogramme scheme
memberships.joined_at: joindate joined startdate enrolmentdate enrollmentdate membersince
memberships.left_at: leavedate left enddate
memberships.fee: membershipfee
memberships.points: pointsbalance
campaigns.offer: campaign campaignname offername campaignid promotion mailing
campaigns.arm: group variant treatment treated testgroup assignment experimentgroup
campaigns.at: sentat sentdate senddate campaigndate contactdate treatedat {_DATE}
campaigns.channel: channel
campaigns.cost: cost contactcost
campaigns.propensity: treatmentprobability
campaigns.delivered_at: deliveredat
campaigns.bounced: bounce
campaigns.redeemed_at: redeemedat redemptiondate
campaigns.outcome: outcome converted conversion response responded
campaigns.outcome_value: outcomevalue
exits.at: exitdate churndate churnedat canceldate cancellationdate cancelledat leftat leavedate {_DATE}
exits.stated_reason: {_REASON}
exits.text: text feedback comment comments feedbacktext freetext
winback.at: {_DATE}
winback.status: status state
winback.owner: owner
winback.note: note notes
consents.at: consentdate optindate grantedat {_DATE}
consents.purpose: purpose consenttype
consents.channel: channel
consents.granted: optin consent consented allowed permission subscribed
market.at: {_DATE} month week
market.signal: indicator series metric
market.value: value index
market.region: region
costs.at: costdate {_DATE} month
costs.purpose: purpose costtype category
costs.amount: cost {_AMOUNT}
costs.offer: offer campaign
costs.kind: kind
managers.employee_id#: employee manager accountmanager rep keyaccountmanager
managers.from: startdate validfrom assignedat since assignedfrom
managers.to: enddate validto until assignedto
managers.plan_due: planduedate
managers.report_due: reportduedate
"""

_FILE_WORDS = """
purchases: purchase order transaction sale invoice receipt basket txn trade
customers: customer client user account member subscriber profile crm demographic
contracts: contract subscription policy agreement
payments: payment billing
events: event usage click visit session activity log
contacts: contact call interaction
complaints: complaint ticket case support
surveys: survey nps csat
preferences: preference interest
referrals: referral
memberships: membership loyalty
campaigns: campaign mailing treatment experiment
exits: exit cancellation leaver churn
winback: winback
consents: consent optin permission
market: market competitor
costs: cost expense
managers: manager
"""


def _read(text: str) -> dict[str, list[str]]:
    """Lines `key: words`; a line that starts with blanks continues the one before."""
    joined = re.sub(r"\n[ ]+", " ", text).strip()
    return {key: words.split() for key, _, words in (line.partition(":") for line in joined.splitlines())}


def _spellings() -> dict[tuple[str, str], tuple[str, ...]]:
    found = {}
    for key, words in _read(_TEXT).items():
        table, _, column = key.rstrip("#").partition(".")
        own = collapsed(column)
        spelled = [f"{stem}{ending}" for stem in words for ending in _ID_ENDINGS] if key.endswith("#") else words
        found[table, column] = tuple(dict.fromkeys([own, *spelled]))
    return found


def tokens(name: str) -> tuple[str, ...]:
    """Words of a name, in small letters.

    Examples
    --------
    >>> tokens("CustomerID"), tokens("cust no"), tokens("Total (USD)")
    (('customer', 'id'), ('cust', 'no'), ('total', 'usd'))
    """
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return tuple(word.lower() for word in re.split(r"[\W_]+", split) if word)


def collapsed(name: str) -> str:
    """A name without case, punctuation and currency.

    Examples
    --------
    >>> collapsed("Order-Total_USD"), collapsed("InvoiceNo")
    ('ordertotal', 'invoiceno')
    """
    words = tokens(name)
    kept = [word for word in words if word not in _CURRENCIES]
    return "".join(kept or words)


def currency_of(name: str) -> str | None:
    """ISO code of the currency that a column's name speaks of.

    Examples
    --------
    >>> currency_of("dollar_value"), currency_of("amount")
    ('USD', None)
    """
    return next((_CURRENCIES[word] for word in tokens(name) if word in _CURRENCIES), None)


def variants(name: str, dropped: Sequence[str] = ()) -> tuple[str, ...]:
    """Collapsed spellings of a source column: as it is, and without a leading word that says only the table.

    Examples
    --------
    >>> variants("o_orderdate"), variants("order_total", ["order"]), variants("birth_date")
    (('oorderdate', 'orderdate'), ('ordertotal', 'total'), ('birthdate',))
    """
    words = tokens(name)
    whole = collapsed(name)
    if len(words) > 1 and (len(words[0]) == 1 or words[0] in dropped):
        return whole, "".join(words[1:])
    return (whole,)


def customer_rank(spelled: Sequence[str]) -> int | None:
    """How telling a name is for a customer id; smaller is better, None: not at all.

    Examples
    --------
    >>> customer_rank(variants("CustomerID")), customer_rank(variants("Customer Value"))
    (0, None)
    """
    whole = spelled[0]
    for rank, stem in enumerate(CUSTOMER_STEMS):
        if any(whole == stem + ending for ending in _ID_ENDINGS):
            return rank
    return None


def is_id_like(name: str) -> bool:
    """Whether a name ends as identifiers do.

    Examples
    --------
    >>> is_id_like("policy_id"), is_id_like("CLIENTNUM"), is_id_like("paid")
    (True, True, False)
    """
    words = tokens(name)
    return bool(words) and (words[-1] in _ID_ENDINGS or re.search(r"(num|number|uuid)$", words[-1]) is not None)


def file_words(stem: str) -> frozenset[str]:
    """Words of a file's name, singular.

    Examples
    --------
    >>> sorted(file_words("shop_orders-2023"))
    ['2023', 'order', 'shop']
    """
    return frozenset(_singular(word) for word in tokens(stem))


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "nps")) else word


SPELLINGS: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType(_spellings())
"""(table, canonical column) → collapsed spellings, the most telling first."""
FILE_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {table: tuple(words) for table, words in _read(_FILE_WORDS).items()}
)
"""Table → words in the names of its files; the first is its own."""
