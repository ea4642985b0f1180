"""Stage value: what silence would cost, and what a customer is worth over a lifetime, each with its backtest."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from holdfast.btyd.applies import Applicability, applicability
from holdfast.btyd.bgnbd import BgNbd, fit_bgnbd
from holdfast.btyd.gamma_gamma import GammaGamma, fit_gamma_gamma
from holdfast.errors import ConfigError, DataError
from holdfast.histories.histories import Histories
from holdfast.learners.spend import Floats, SpendRegressor
from holdfast.params.sections import EconomicsSection
from holdfast.pipelines.domain import main_task, make_task
from holdfast.pipelines.features import feature_set
from holdfast.pipelines.graph import Context
from holdfast.pipelines.learn import load_examples
from holdfast.pipelines.plan import Plan
from holdfast.pipelines.prepare import open_histories
from holdfast.pipelines.survival import METHOD, contract_future
from holdfast.tasks.task import ContractEndTask, GivenTask, Task
from holdfast.value.backtest import backtest
from holdfast.value.choice import Judged, judge
from holdfast.value.concentration import concentration
from holdfast.value.history import margin_history, past_margin
from holdfast.value.horizon import LossPlan, plan_loss
from holdfast.value.lifetime import PurchaseValue, lifetime_days, purchase_value
from holdfast.value.loss import LossSettings, discount_factor, fit_loss
from holdfast.value.range import ValueRange, fit_range
from holdfast.value.referrals import YEAR, referral_value
from holdfast.windows import days_between

VALUE_COLUMNS = (
    "customer_id", "clv", "clv_low", "clv_high", "clv_purchase", "clv_retention", "clv_referral", "clv_method",
    "clv_converged", "loss_if_silent", "loss_low", "loss_high", "expected_orders", "p_alive", "past_margin_per_day",
    "horizon_days", "method",
)  # fmt: skip
BTYD, BOOSTING, BOTH = "bg/nbd x gamma-gamma", "boosting, zero-inflated", "mean of both logarithms"
NEEDED = ("purchase_days_all", "tenure_days", "days_since_last_order", "day_spend_mean")


def run_value(context: Context, task: str) -> None:
    """`loss_if_silent` and lifetime value per customer at the scoring date; what cannot be measured, and why."""
    histories = open_histories(context)
    question = make_task(context.config, main_task(context.config).name)
    examples, _, plan = load_examples(context, question.name)
    score = examples.frame.loc[examples.frame["part"] == "score"].reset_index(drop=True)
    frame = _blank_values(score)
    summary: dict[str, Any] = {}
    known = histories.upto(plan.score)
    if isinstance(question, ContractEndTask):
        frame, summary = _contracts(context, question, histories, plan, frame)
    elif isinstance(question, GivenTask):
        frame, summary = _snapshot(context, known, frame)
    elif histories.has("purchases") and question.span.lookback:
        purchases = known.frame("purchases")[["customer_id", "at", "amount"]]
        walk = None
        try:
            walk = plan_loss(plan.start, plan.score, question.span, context.config.economics.value_horizon,
                             question.span.horizon)  # fmt: skip
            frame, measured = _loss(context, question, purchases, frame, plan.score, walk)
            summary |= measured
        except DataError as error:
            summary["loss_if_silent"] = f"not measured: {error}"
        if walk is None:
            summary["clv"] = f"not measured: {summary['loss_if_silent'].removeprefix('not measured: ')}"
        else:
            frame, summary["clv"] = _lifetime(context, question, known, purchases, frame, plan.score, walk)
    else:
        why = f"not measured: kind {question.kind} has no purchases with a lookback to value"
        summary |= {"loss_if_silent": why, "clv": why}
    context.workspace.write_frame("value.parquet", frame[list(VALUE_COLUMNS)])
    context.workspace.write_json("value.json", summary)


def _blank_values(score: pd.DataFrame) -> pd.DataFrame:
    known = {"customer_id": score["customer_id"], "method": "not measured", "clv_method": "not measured",
             "clv_converged": pd.array([pd.NA] * len(score), dtype="boolean")}  # fmt: skip
    return pd.DataFrame({name: known.get(name, np.nan) for name in VALUE_COLUMNS}, index=score.index)


def _contracts(
    context: Context, question: ContractEndTask, histories: Histories, plan: Plan, frame: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Survival curves of the customers, and what their contracts are worth."""
    try:
        future = contract_future(context, question, histories, plan, frame["customer_id"])
    except DataError as error:
        context.workspace.write_frame("survival.parquet", frame[["customer_id"]].iloc[:0])
        return frame, {"loss_if_silent": f"not measured: {error}", "clv": f"not measured: {error}"}
    context.workspace.write_frame("survival.parquet", future.table)
    if future.value is None:
        why = "not measured: the table contracts has no price"
        return frame, {"loss_if_silent": why, "clv": why, "survival": future.told}
    value, days = future.value, context.config.economics.value_horizon
    frame = frame.assign(
        clv=value.within + value.beyond, clv_purchase=value.within, clv_retention=value.beyond, clv_method=METHOD,
        loss_if_silent=value.loss, horizon_days=days, method=METHOD,
    )  # fmt: skip
    clv = {"method": METHOD, "horizon_days": days, "discount_rate": context.config.economics.discount_rate,
           "lifetime_days": lifetime_days(days, days_between(plan.start, plan.score)),
           "referrals": "not measured: contracts only",
           "backtest": _judged_words(future.judged, future.told["holdout"])}  # fmt: skip
    return frame, {"clv": clv, "method": METHOD, "survival": future.told, "loss_note": LOSS_OF_CONTRACT}


LOSS_OF_CONTRACT = (
    "loss_if_silent is the margin within the value horizon of those who stay through the label window, less that of "
    "those who leave in its middle; its interval is not measured"
)


def _judged_words(judged: Judged | None, holdout: Any) -> Any:
    if judged is None:
        return "not measured: no outcomes after the holdout date, or no price"
    return {"at": holdout["at"], "chosen": judged.chosen, "methods": judged.table.to_dict(orient="records"),
            "deciles": judged.deciles.to_dict(orient="records")}  # fmt: skip


def _snapshot(context: Context, known: Histories, frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A snapshot shows no time: value is what the customer pays now, for as long as the horizon, if it stays."""
    economics = context.config.economics
    column = economics.monthly_revenue
    if column is None:
        why = ("not measured: a snapshot has no dates; name the column that holds what a customer pays per month in "
               "economics.monthly_revenue")  # fmt: skip
        return frame, {"loss_if_silent": why, "clv": why}
    customers = known.frame("customers")
    if column not in customers.columns:
        raise ConfigError(
            f"economics.monthly_revenue: {column!r} is not kept among the columns of customers; expected one of "
            f"{', '.join(sorted(set(customers.columns) - {'customer_id'}))}"
        )
    paid = pd.to_numeric(customers.set_index("customer_id")[column], errors="coerce").reindex(frame["customer_id"])
    days = economics.value_horizon
    factor = economics.margin * days / (365 / 12) * discount_factor(economics.discount_rate, days)
    frame = frame.assign(loss_if_silent=paid.to_numpy(np.float64) * factor, horizon_days=days, method=SNAPSHOT)
    return frame, {"method": SNAPSHOT, "clv": "not measured: a snapshot shows nobody over time",
                   "loss_note": "assumed, not backtested: whoever stays pays as now for the whole value horizon, "
                                "whoever leaves pays nothing"}  # fmt: skip


SNAPSHOT = "monthly revenue x value horizon (assumed)"


def _loss(
    context: Context, question: Task, purchases: pd.DataFrame, frame: pd.DataFrame, at: date, walk: LossPlan
) -> tuple[pd.DataFrame, dict[str, Any]]:
    economics = context.config.economics
    settings = LossSettings(discount_rate=economics.discount_rate, seed=context.config.seed)
    history = pd.concat(
        [margin_history(purchases, c, question.span, walk.horizon_days, economics.margin) for c in walk.cutoffs]
    )
    model = fit_loss(history, walk.horizon_days, settings)
    rates = past_margin(purchases, at, question.span.lookback, economics.margin)
    rate = rates.reindex(frame["customer_id"]).to_numpy()
    frame = frame.assign(
        **model.table(rate), past_margin_per_day=rate, horizon_days=model.horizon_days,
        method=f"group difference, {model.method}",
    )  # fmt: skip
    summary: dict[str, Any] = {
        "horizon_days": model.horizon_days, "wanted_horizon_days": economics.value_horizon,
        "fitted_at": [str(c) for c in walk.cutoffs],
        "mean_active": model.mean_active, "mean_silent": model.mean_silent,
        "n_active": model.n_active, "n_silent": model.n_silent, "method": model.method,
        "concentration": concentration(np.maximum(rates.to_numpy(), 0)),
        "backtest": "not measured: the history cannot hold two value windows",
    }  # fmt: skip
    if walk.backtest_fit is not None and walk.backtest_at is not None and walk.backtest_horizon_days is not None:
        days = walk.backtest_horizon_days
        earlier = margin_history(purchases, walk.backtest_fit, question.span, days, economics.margin)
        later = margin_history(purchases, walk.backtest_at, question.span, days, economics.margin)
        judged = backtest(fit_loss(earlier, days, settings), later, seed=context.config.seed)
        summary["backtest"] = {
            "at": str(walk.backtest_at), "horizon_days": days, "predicted_over_actual": judged.ratio,
            "low": judged.ratio_low, "high": judged.ratio_high, "n": judged.n,
            "deciles": judged.deciles.to_dict(orient="records"),
        }  # fmt: skip
    return frame, summary


@dataclass(frozen=True)
class _Btyd:
    """BG/NBD (or its modification, by likelihood) and gamma-gamma, fitted on everybody known at a cutoff."""

    orders: BgNbd | None
    spend: GammaGamma | None
    verdict: Applicability
    margin: float
    history_days: int

    @property
    def usable(self) -> bool:
        """Whether both parts could be fitted at all."""
        return self.orders is not None and self.spend is not None

    def value(self, rows: pd.DataFrame, economics: EconomicsSection, observed_days: int) -> PurchaseValue:
        """Value of the customers in `rows`, in their order."""
        if self.orders is None or self.spend is None:
            raise DataError("lifetime value: BG/NBD or gamma-gamma could not be fitted; expected purchases to fit on")
        x, t_x, age = _history(rows)
        return purchase_value(
            self.orders, self.spend, x, t_x, age, _floats(rows, "day_spend_mean"), margin=self.margin,
            horizon_days=economics.value_horizon, observed_days=observed_days, discount_rate=economics.discount_rate,
            end_days=lifetime_days(economics.value_horizon, self.history_days),
        )  # fmt: skip


def _fit_btyd(matrix: pd.DataFrame, purchases: pd.DataFrame, at: date, margin: float) -> _Btyd:
    rows = matrix.loc[(matrix["cutoff"] == pd.Timestamp(at)) & matrix["purchase_days_all"].notna()]
    x, t_x, age = _history(rows)
    fits = [fit_bgnbd(x, t_x, age, modified=modified) for modified in (False, True)]
    usable = [fit for fit in fits if fit is not None]
    # those that converged first, then by likelihood
    orders = max(usable, key=lambda fit: (fit.converged, fit.log_likelihood)) if usable else None
    spend = fit_gamma_gamma(_floats(rows, "day_spend_mean"), x + 1)
    verdict = applicability(orders, x, x, _floats(rows, "gap_mean_days"), _floats(rows, "gap_sd_days"))
    amount = purchases.loc[purchases["at"] < pd.Timestamp(at), "amount"].astype("float64")
    gross = float(amount[amount > 0].sum())
    kept = max(float(amount.sum()) / gross, 0.0) if gross > 0 else 1.0
    return _Btyd(orders, spend, verdict, margin * kept, int(np.max(age, initial=0)))


def _history(rows: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    age = _floats(rows, "tenure_days")
    return _floats(rows, "purchase_days_all") - 1, age - _floats(rows, "days_since_last_order"), age


def _floats(rows: pd.DataFrame, name: str) -> Floats:
    return np.asarray(rows[name].to_numpy(np.float64))


def _lifetime(
    context: Context, question: Task, known: Histories, purchases: pd.DataFrame, frame: pd.DataFrame, at: date,
    walk: LossPlan,
) -> tuple[pd.DataFrame, dict[str, Any]]:  # fmt: skip
    """Columns of the lifetime value, and what is to be said of it."""
    economics = context.config.economics
    wanted = feature_set(known, question)
    tested = [c for c in (walk.backtest_fit, walk.backtest_at) if c is not None]
    matrix = wanted.compute(known, [*walk.cutoffs, *tested, at])
    names = [feature.name for feature in wanted.features]
    rows = frame[["customer_id"]].merge(
        matrix.frame.loc[matrix.frame["cutoff"] == pd.Timestamp(at)], on="customer_id", how="left"
    )
    judged, spread = _backtest(context, question, purchases, matrix.frame, names, walk)
    btyd = _fit_btyd(matrix.frame, purchases, at, economics.margin)
    chosen = judged.chosen if judged else (BTYD if btyd.usable and btyd.verdict.applies else BOOSTING)
    found = _estimates(context, question, purchases, matrix.frame, names, walk.cutoffs, rows, walk.horizon_days, btyd)
    if chosen not in found:
        chosen = next(iter(found))
    within, beyond, orders = _stretched(found[chosen], rows, btyd, economics, walk.horizon_days)
    referral, told = _referrals(known, purchases, rows, at, economics, btyd)
    total = within + beyond + np.nan_to_num(referral)
    low, high = spread.of(total) if spread else (np.full(len(rows), np.nan),) * 2
    frame = frame.assign(
        clv=total, clv_low=low, clv_high=high, clv_purchase=within, clv_retention=beyond, clv_referral=referral,
        clv_method=chosen, expected_orders=orders, p_alive=_alive(rows, btyd),
        clv_converged=pd.array([bool(btyd.orders and btyd.orders.converged)] * len(rows), dtype="boolean"),
    )  # fmt: skip
    return frame, {
        "method": chosen, "horizon_days": economics.value_horizon, "observed_days": walk.horizon_days,
        "lifetime_days": lifetime_days(economics.value_horizon, btyd.history_days),
        "discount_rate": economics.discount_rate,
        "note": "p_alive is already in it: clv is not to be multiplied by p_churn; beyond the value horizon it rests "
                "on the dropout that BG/NBD reads from the past",
        "btyd": asdict(btyd.verdict) | {"orders": _plain(btyd.orders), "spend": _plain(btyd.spend)},
        "referrals": told, "backtest": _told(judged, spread, walk),
    }  # fmt: skip


def _plain(model: Any) -> dict[str, Any] | None:
    return None if model is None else asdict(model)


def _backtest(
    context: Context, question: Task, purchases: pd.DataFrame, matrix: pd.DataFrame, names: Sequence[str],
    walk: LossPlan,
) -> tuple[Judged | None, ValueRange | None]:  # fmt: skip
    """Both estimators put back in time, judged on what came, beside RFM; None where the history is too short."""
    if walk.backtest_fit is None or walk.backtest_at is None or walk.backtest_horizon_days is None:
        return None, None
    economics, days, at = context.config.economics, walk.backtest_horizon_days, walk.backtest_at
    known = purchases.loc[purchases["at"] < pd.Timestamp(at)]
    came = margin_history(purchases, at, question.span, days, economics.margin)
    rows = came.merge(matrix, on=["customer_id", "cutoff"], how="left")
    btyd = _fit_btyd(matrix, known, at, economics.margin)
    found = _estimates(context, question, known, matrix, names, (walk.backtest_fit,), rows, days, btyd)
    actual = _floats(rows, "future_margin")
    rankings = {"past margin": _floats(rows, "past_margin_per_day"), "rfm": _rfm(rows)}
    judged = judge(found, actual, rankings, seed=context.config.seed)
    return judged, fit_range(found[judged.chosen], actual, rows["customer_id"].to_numpy(object))


def _estimates(
    context: Context, question: Task, purchases: pd.DataFrame, matrix: pd.DataFrame, names: Sequence[str],
    cutoffs: Sequence[date], rows: pd.DataFrame, days: int, btyd: _Btyd,
) -> dict[str, Floats]:  # fmt: skip
    """Undiscounted margin over `days` by each estimator that can be used."""
    economics = context.config.economics
    history = pd.concat([margin_history(purchases, c, question.span, days, economics.margin) for c in cutoffs])
    training = history.merge(matrix, on=["customer_id", "cutoff"], how="left")
    model = SpendRegressor(seed=context.config.seed).fit(training[list(names)], _floats(training, "future_margin"))
    boosted = model.predict(rows[list(names)])
    if not btyd.usable:
        return {BOOSTING: boosted}
    counted = np.maximum(np.nan_to_num(btyd.value(rows, economics, days).observed), 0.0)
    both = np.sqrt(np.maximum(counted, 1e-6) * np.maximum(boosted, 1e-6))
    return {BTYD: counted, BOOSTING: boosted, BOTH: both}


def _stretched(
    observed: Floats, rows: pd.DataFrame, btyd: _Btyd, economics: EconomicsSection, days: int
) -> tuple[Floats, Floats, Floats]:
    """Margin over the observed days, stretched to the value horizon and beyond as BG/NBD says, and discounted.

    Where BG/NBD could not be fitted the rate of the observed days goes on to the horizon; beyond it and the number
    of orders are not known.
    """
    if not btyd.usable:
        factor = economics.value_horizon / days * (1 + economics.discount_rate) ** (-economics.value_horizon / 730)
        return observed * factor, np.full(len(rows), 0.0), np.full(len(rows), np.nan)
    value = btyd.value(rows, economics, days)
    base = np.maximum(value.observed, 1e-9)
    return observed * value.within / base, observed * value.beyond / base, value.orders


def _alive(rows: pd.DataFrame, btyd: _Btyd) -> Floats:
    if btyd.orders is None:
        return np.full(len(rows), np.nan)
    return btyd.orders.p_alive(*_history(rows))


def _rfm(rows: pd.DataFrame) -> Floats:
    """Sum of the fifths of recency, frequency and money, the way marketing departments rank."""
    parts = (-_floats(rows, "days_since_last_order"), _floats(rows, "purchase_days_all"), _floats(rows, "spend_all"))
    fifths = [np.ceil(pd.Series(values).rank(pct=True).to_numpy() * 5) for values in parts]
    return np.asarray(np.nan_to_num(sum(fifths)))


def _referrals(
    known: Histories, purchases: pd.DataFrame, rows: pd.DataFrame, at: date, economics: EconomicsSection, btyd: _Btyd
) -> tuple[Floats, Any]:
    """Value of referrals per customer; NaN with the reason where it cannot be measured."""
    nothing = np.full(len(rows), np.nan)
    if not known.has("referrals") or "at" not in known.columns("referrals"):
        return nothing, "not measured: no referrals table with dates"
    referrals = known.frame("referrals")[["referrer_id", "referred_id", "at"]]
    years = _floats(rows, "tenure_days") / YEAR
    days = min(economics.value_horizon, YEAR)
    found = referral_value(referrals, purchases, at, days, economics.margin, float(np.nansum(years)))
    if not found.n_watched:
        return nothing, f"not measured: no referral lies {days} days back, so none could be watched"
    made = np.asarray(rows["customer_id"].map(referrals["referrer_id"].value_counts()).fillna(0), dtype=np.float64)
    expected = found.expected(made, years, economics.value_horizon) * np.nan_to_num(_alive(rows, btyd), nan=1.0)
    discount = (1 + economics.discount_rate) ** (-economics.value_horizon / 730)
    told: Mapping[str, Any] = asdict(found) | {
        "note": "a group's value leaves out referred customers who are members themselves"
    }
    return expected * max(found.per_referral, 0.0) * discount, told


def _told(judged: Judged | None, spread: ValueRange | None, walk: LossPlan) -> Any:
    if judged is None or spread is None:
        return "not measured: the history cannot hold two value windows"
    return {
        "at": str(walk.backtest_at), "horizon_days": walk.backtest_horizon_days, "chosen": judged.chosen,
        "methods": judged.table.to_dict(orient="records"), "deciles": judged.deciles.to_dict(orient="records"),
        "range": {"level": spread.level, "coverage": spread.coverage},
    }  # fmt: skip
