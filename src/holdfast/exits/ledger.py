"""What leavers cost, and the largest spend against it that still pays (domain A5, A6, A7)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from holdfast.errors import ConfigError


@dataclass(frozen=True)
class ProfitLost:
    """What a group of leavers cost.

    Parameters
    ----------
    lost : float
        Leavers.
    revenue, profit : float
        Money that they would have brought.
    """

    lost: float
    revenue: float
    profit: float


def profit_lost(clients: float, rate: float, revenue: float, margin: float) -> ProfitLost:
    """Profit lost with the share of clients that left (A6).

    Parameters
    ----------
    clients : float
    rate : float
        Share who left.
    revenue : float
        Money per client.
    margin : float
        Share of revenue that is profit.

    Raises
    ------
    ConfigError
        For a share outside 0 to 1 or a negative number of clients.

    Examples
    --------
    >>> profit_lost(6600, 0.05, 10_000, 0.10)
    ProfitLost(lost=330.0, revenue=3300000.0, profit=330000.0)
    """
    if not 0 <= rate <= 1 or not 0 <= margin <= 1 or clients < 0:
        raise ConfigError(
            f"profit lost: clients {clients}, rate {rate}, margin {margin}: expected shares and zero or more"
        )
    lost = clients * rate
    money = lost * revenue
    return ProfitLost(round(lost, 9), round(money, 6), round(money * margin, 6))


def pays(spend: float, profit: float, save_rate: float = 1.0) -> bool:
    """Whether a spend against the loss pays: it has to be *below* what it saves (A6).

    Examples
    --------
    >>> pays(329_999, 330_000), pays(330_000, 330_000)
    (True, False)
    >>> pays(33_000, 330_000, save_rate=0.1)
    False
    """
    if not 0 <= save_rate <= 1:
        raise ConfigError(f"save_rate {save_rate}: expected a share between 0 and 1")
    return spend < profit * save_rate


def net_benefit(gain: "pd.Series[float]", cost: "pd.Series[float]", customer: "pd.Series[str]") -> pd.DataFrame:
    """Net benefit over the length of the list, best customers first (A7).

    Parameters
    ----------
    gain : Series
        Profit that a contact is expected to save, money per customer, before its cost.
    cost : Series
        Expected cost of the contact.
    customer : Series
        Ids; they break ties.

    Returns
    -------
    DataFrame
        `length, spend, saved, net`: sums over the first `length` customers, from 0.

    Examples
    --------
    >>> found = net_benefit(pd.Series([5.0, 1.0]), pd.Series([2.0, 2.0]), pd.Series(["a", "b"]))
    >>> found["net"].tolist()
    [0.0, 3.0, 2.0]
    """
    frame = pd.DataFrame(
        {"gain": gain.to_numpy(float), "cost": cost.to_numpy(float), "id": customer.astype(str).to_numpy()}
    )
    frame = frame.assign(net=frame["gain"] - frame["cost"]).dropna()
    frame = frame.sort_values(["net", "id"], ascending=[False, True], kind="stable")
    saved, spend = (np.r_[0.0, np.cumsum(frame[name].to_numpy())] for name in ("gain", "cost"))
    return pd.DataFrame({"length": np.arange(len(saved)), "spend": spend, "saved": saved, "net": saved - spend})


def justified_spend(curve: pd.DataFrame) -> dict[str, float]:
    """Best length of the list, and the largest spend at which the list as a whole does not lose money.

    Parameters
    ----------
    curve : DataFrame
        What `net_benefit` gives.

    Returns
    -------
    dict
        `length, spend, net` at the best length; `break_even_length, break_even_spend`: the last length at which what is
        saved is more than what is spent; zeros where no contact pays.

    Examples
    --------
    >>> curve = net_benefit(pd.Series([5.0, 1.0, 0.5]), pd.Series([2.0, 2.0, 3.0]), pd.Series(list("abc")))
    >>> justified_spend(curve)
    {'length': 1.0, 'spend': 2.0, 'net': 3.0, 'break_even_length': 2.0, 'break_even_spend': 4.0}
    """
    best = int(curve["net"].to_numpy().argmax())
    paying = np.flatnonzero(curve["net"].to_numpy() > 0)
    last = int(paying[-1]) if len(paying) else 0
    return {
        "length": float(curve["length"][best]), "spend": float(curve["spend"][best]), "net": float(curve["net"][best]),
        "break_even_length": float(curve["length"][last]), "break_even_spend": float(curve["spend"][last]),
    }  # fmt: skip


@dataclass(frozen=True)
class GroupProfit:
    """Profit that goes with a group, its referrals counted once.

    Parameters
    ----------
    members : float
        Own profit of the members and of those whom they referred, added up member by member.
    overlap : float
        Own profit of members whom another member referred: it stands in `members` twice.
    group : float
        `members − overlap`.
    """

    members: float
    overlap: float
    group: float


def group_profit(own: "pd.Series[float]", referrer: "pd.Series[str]", group: "pd.Index[str]") -> GroupProfit:
    """Profit of a group of leavers and of whom they brought, without counting a referral twice (A5).

    Parameters
    ----------
    own : Series
        Own profit of every customer, money, by id.
    referrer : Series of str
        Who referred whom: indexed by the referred, each once.
    group : Index of str
        The members.

    Examples
    --------
    >>> own = pd.Series({"a": 10.0, "b": 5.0, "c": 2.0})
    >>> brought = pd.Series({"b": "a", "c": "b"})
    >>> group_profit(own, brought, pd.Index(["a", "b"]))  # a: 10 + 5, b: 5 + 2; b's own 5 stands twice
    GroupProfit(members=22.0, overlap=5.0, group=17.0)
    """
    ids = pd.Index(group.unique())
    brought = own.reindex(referrer.index[referrer.isin(ids)])
    twice = own.reindex(brought.index[brought.index.isin(ids)])
    members = float(own.reindex(ids).sum() + brought.sum())
    overlap = float(twice.sum())
    return GroupProfit(members, overlap, members - overlap)
