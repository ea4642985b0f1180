"""Stage reasons: what leavers stated, what is predicted from it, what the churn model points at, kept apart (A3)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.drivers.attribution import NEEDS_DIRECT, attribute, exit_class_of
from holdfast.drivers.words import indicated_class
from holdfast.evaluation.classes import judge_classes
from holdfast.examples import Examples
from holdfast.exits.agreement import cohen_kappa
from holdfast.exits.claim import claim
from holdfast.exits.distribution import UNKNOWN
from holdfast.features.feature import Feature
from holdfast.histories.histories import Histories
from holdfast.learners.blend import BlendClassifier
from holdfast.learners.reason import MIN_CLASS_ROWS, FittedReasons, fit_reasons
from holdfast.learners.reason_text import fit_text_reasons
from holdfast.params.sections import ExitsSection
from holdfast.pipelines.act import stated_reasons
from holdfast.pipelines.domain import main_task, make_task
from holdfast.pipelines.graph import Context
from holdfast.pipelines.learn import load_examples
from holdfast.pipelines.predictions import models_of
from holdfast.pipelines.prepare import open_histories
from holdfast.pipelines.provenance import threads
from holdfast.pipelines.stated import REPORTING_DAYS, known_exits, stated_at, vocabulary
from holdfast.schema import EXIT_CLASSES
from holdfast.tasks.task import GivenTask, Task

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MOST_ROWS = 20_000
"""Newest leavers whom the classifier learns from."""
MOST_EXPLAINED = 4000
"""Newest test leavers for whom the churn model is asked what it points at."""
LEAST_JUDGED = 50
"""Leavers with a cutoff before their statement, from which the figures rest on these alone."""
P = [f"p_{name}" for name in EXIT_CLASSES]
PAIRS = (("stated", "predicted"), ("stated", "indicated"), ("predicted", "indicated"))
NOTE = (
    "stated: the firm's own record; predicted: calibrated probabilities learnt from stated reasons, `unknown` where "
    "the evidence is thin; indicated: what the churn model reacts to, which explains the model, not why a person leaves"
)
NO_TABLE = "not measured: no exits table"


@dataclass(frozen=True)
class Predicted:
    """Probabilities and claims of the rows asked about, and the figures of the classifier behind them."""

    frame: pd.DataFrame
    figures: dict[str, Any] | str


def run_reasons(context: Context, task: str) -> None:
    """Write `reasons.parquet` and `reasons.json`."""
    config, main = context.config, main_task(context.config).name
    examples, features, plan = load_examples(context, main)
    question = make_task(config, main)
    histories = open_histories(context).upto(plan.score)
    known = known_exits(histories, config.exits)
    rows = _asked(examples, question, None if known is not None else MOST_EXPLAINED)
    allowed = _direct_evidence(rows, features)
    if known is None:
        empty = pd.DataFrame({"reason": UNKNOWN, "prob": np.nan}, index=rows.frame.index)
        found, said = Predicted(empty.reindex(columns=["reason", "prob", *P]), NO_TABLE), None
        text = Predicted(pd.DataFrame({"reason": UNKNOWN, "prob": np.nan}, index=rows.frame.index), NO_TABLE)
        facts: dict[str, Any] = {"stated": NO_TABLE}
    else:
        span = question.span
        said = stated_at(rows.frame, known, span.lookback, span.lead + span.horizon + REPORTING_DAYS, "cutoff")
        said = said.where(rows.frame["part"] != "score") if not isinstance(question, GivenTask) else said
        found = _predicted(rows, said, allowed, config.seed)
        text = _read(known, said, config.seed)
        facts = {"stated": vocabulary(known, config.exits)}
    shown = _with_newest(rows, said, question, histories, config.exits)
    frame = _table(rows, shown, found, text).assign(**_indicated(context, main, rows, features, question))
    facts |= {
        "predicted": found.figures, "text": text.figures,
        "agreement": {f"{a}_{b}": cohen_kappa(*paired(frame, a, b)) for a, b in PAIRS},
        "claimable": {name: int(allowed[:, k].sum()) for k, name in enumerate(EXIT_CLASSES)}, "note": NOTE,
    }  # fmt: skip
    context.workspace.write_frame(
        "reasons.parquet", frame.sort_values(["customer_id", "cutoff", "part"], kind="stable")
    )
    context.workspace.write_json("reasons.json", facts)


def paired(frame: pd.DataFrame, first: str, second: str) -> tuple["pd.Series[Any]", "pd.Series[Any]"]:
    """Two kinds of reason of the same leavers: of each leaver the newest row that has both."""
    columns = [f"reason_{first}", f"reason_{second}"]
    leavers = frame.loc[frame["part"] == "leaver"].dropna(subset=columns).sort_values("cutoff", kind="stable")
    newest = leavers.drop_duplicates("customer_id", keep="last")
    return newest[columns[0]], newest[columns[1]]


def _asked(examples: Examples, question: Task, most: int | None) -> Examples:
    """Everybody scored, and past leavers once per cutoff, marked `leaver`: all, or the `most` newest of the test."""
    frame, leaves = examples.frame, 0 if question.kind == "repeat" else 1
    gone = (frame["part"] != "score") & (frame["label"] == leaves)
    if most is not None:
        # nobody stated anything: there is nothing to learn from the others
        gone &= frame["part"] == "test"
        newest = frame.loc[gone].sort_values(["cutoff", "customer_id"], ascending=[False, True], kind="stable")
        gone &= frame.index.isin(newest.index[:most])
    part = np.where(frame["part"] == "score", "score", "leaver")
    # a leaver may serve several models: a test row is kept before a training row, for the model that did not see it
    order = np.where(frame["part"] == "score", 0, np.where(frame["part"] == "test", 1, 2))
    chosen = frame.assign(source=frame["part"], part=part, order=order).loc[(frame["part"] == "score") | gone]
    chosen = chosen.sort_values(["order", "cutoff", "customer_id"], kind="stable")
    chosen = chosen.drop_duplicates(["customer_id", "cutoff", "part"]).drop(columns="order")
    return Examples(chosen.reset_index(drop=True), examples.names)


def _direct_evidence(rows: Examples, features: tuple[Feature, ...]) -> Flags:
    """Which class may be claimed of which row: technology and political need something on record for them."""
    allowed = np.ones((len(rows.frame), len(EXIT_CLASSES)), dtype=bool)
    for k, name in enumerate(EXIT_CLASSES):
        if name in NEEDS_DIRECT:
            columns = [one.name for one in features if exit_class_of(one) == name and not one.categorical]
            allowed[:, k] = (rows.X[columns].fillna(0) != 0).any(axis=1).to_numpy() if columns else False
    return allowed


def _predicted(rows: Examples, said: pd.DataFrame, allowed: Flags, seed: int) -> Predicted:
    """Class probabilities of every row, learnt from the leavers who stated a reason."""
    frame, stated = rows.frame, said["stated"]
    taught = (frame["part"] == "leaver") & stated.notna()
    counts = stated[taught].value_counts()
    rare = sorted(counts[counts < MIN_CLASS_ROWS].index)
    taught &= ~stated.isin(rare)
    newest = frame.loc[taught].sort_values(["cutoff", "customer_id"], kind="stable").index[-MOST_ROWS:]
    chosen = frame.index.isin(newest)
    blank = pd.DataFrame({"reason": UNKNOWN, "prob": np.nan}, index=frame.index).reindex(columns=["reason", "prob", *P])
    if stated[chosen].nunique() < 2:
        why = f"fewer than two classes with {MIN_CLASS_ROWS} leavers who stated a reason that exits.reasons maps"
        return Predicted(blank, f"not measured: {why}")
    truth, customer = stated[chosen].astype(str), frame.loc[chosen, "customer_id"].tolist()
    usable = [name for name in rows.names if rows.frame.loc[chosen, name].notna().any()]
    X = rows.X[usable]
    fitted = fit_reasons(X[chosen].reset_index(drop=True), truth.reset_index(drop=True), customer, seed)
    probability = np.zeros((len(frame), len(fitted.model.classes)))
    probability[~chosen] = fitted.model.predict_proba(X[~chosen]) if (~chosen).any() else 0.0
    probability[chosen] = fitted.out_of_fold
    classes = fitted.model.classes
    permitted = allowed[:, [EXIT_CLASSES.index(name) for name in classes]]
    claimed = claim(probability, fitted.model.prior, classes, permitted).set_axis(frame.index)
    table = pd.DataFrame(probability, columns=[f"p_{name}" for name in classes], index=frame.index)
    named = claimed.join(table.reindex(columns=P, fill_value=0.0))
    keys = frame.loc[chosen, ["customer_id", "cutoff"]]
    judged, where = rows_to_judge(keys["customer_id"], keys["cutoff"], said.loc[chosen, "at"])
    figures = _figures(fitted, truth, claimed.loc[chosen, "reason"], X[chosen], customer, judged, seed)
    return Predicted(named, figures | {"too_rare": rare, "judged_on": where})


def rows_to_judge(customer: "pd.Series[Any]", cutoff: "pd.Series[Any]", at: "pd.Series[Any]") -> tuple[Flags, str]:
    """One row per customer, at the last cutoff before the reason was stated, and words on which rows these are.

    There the exit lies ahead, as it does for everybody scored, and nobody counts twice. Who has no such row is left
    out; where too few have one, the first cutoff after the statement serves too, and the words say so.
    """
    apart = (pd.to_datetime(at) - cutoff).dt.days
    known = pd.DataFrame({"customer": customer, "late": apart < 0, "far": apart.abs(), "cutoff": cutoff})
    known = known.sort_values(["late", "far", "cutoff"], ascending=[True, True, False], kind="stable")
    first = ~known.duplicated("customer")
    ahead = first & ~known["late"]
    if at.isna().all():
        return first.reindex(customer.index).to_numpy(), "each leaver once; the statements have no dates"
    if int(ahead.sum()) >= LEAST_JUDGED:
        return ahead.reindex(customer.index).to_numpy(), "each leaver once, at the last cutoff before the statement"
    return first.reindex(customer.index).to_numpy(), (
        f"each leaver once, also after the statement: only {int(ahead.sum())} have a cutoff before it"
    )


def _figures(
    fitted: FittedReasons, truth: "pd.Series[str]", claimed: "pd.Series[str]", X: pd.DataFrame, customer: list[str],
    last: Flags, seed: int,
) -> dict[str, Any]:  # fmt: skip
    """Cross-validated figures beside the prior, the majority and a classifier of shuffled reasons."""
    classes, prior = fitted.model.classes, fitted.model.prior
    own = judge_classes(truth[last], fitted.out_of_fold[last], classes, claimed[last], seed)
    flat = np.tile(prior, (int(last.sum()), 1))
    nothing = pd.Series(UNKNOWN, index=truth[last].index)
    majority = pd.Series(classes[int(prior.argmax())], index=truth[last].index)
    mixed = pd.Series(np.random.default_rng(seed).permutation(truth.to_numpy()), index=truth.index)
    control = fit_reasons(X.reset_index(drop=True), mixed.reset_index(drop=True), customer, seed)
    said = claim(control.out_of_fold, control.model.prior, classes)["reason"].set_axis(truth.index)
    shuffled = judge_classes(mixed[last], control.out_of_fold[last], classes, said[last], seed)
    kept = ("macro_auroc", "macro_f1", "log_loss", "accuracy")
    rivals = {
        "prior": judge_classes(truth[last], flat, classes, nothing, seed),
        "majority": judge_classes(truth[last], flat, classes, majority, seed),
        "shuffled": shuffled,
    }
    return own | {
        "rows": len(truth), "classes": dict(zip(classes, prior.tolist(), strict=True)),
        "scale": fitted.model.scale.tolist(), "split": "cross-validated by customer",
        "coverage_shuffled": shuffled["coverage"],
        "beside": {name: {key: found[key] for key in kept} for name, found in rivals.items()},
    }  # fmt: skip


def _with_newest(
    rows: Examples, said: pd.DataFrame | None, question: Task, histories: Histories, section: ExitsSection
) -> pd.DataFrame | None:
    """What was stated at each row; of those scored the newest statement that no later purchase has overtaken."""
    newest = None if isinstance(question, GivenTask) else stated_reasons(histories, section)
    if said is None or newest is None:
        return said
    spoken = rows.frame["customer_id"].map(newest.set_index("customer_id")["reason_stated"])
    return said.assign(stated=said["stated"].where(rows.frame["part"] != "score", spoken))


def _read(known: pd.DataFrame, said: pd.DataFrame, seed: int) -> Predicted:
    """Reasons read from texts of those who named none; learnt from those who wrote and named one."""
    blank = pd.DataFrame({"reason": UNKNOWN, "prob": np.nan}, index=said.index)
    taught = known[known["stated"].notna() & known["text"].notna()]
    counts = taught["stated"].value_counts()
    taught = taught[taught["stated"].isin(counts[counts >= MIN_CLASS_ROWS].index)]
    if taught["stated"].nunique() < 2:
        return Predicted(blank, f"not measured: fewer than two classes with {MIN_CLASS_ROWS} leavers who wrote a text")
    truth = taught["stated"].astype(str)
    model, unseen = fit_text_reasons(taught["text"], truth, taught["customer_id"].tolist(), seed)
    claimed = claim(unseen, model.prior, model.classes)["reason"].set_axis(taught.index)
    figures = judge_classes(truth, unseen, model.classes, claimed, seed)
    asked = said["text"].notna() & said["stated"].isna()
    if asked.any():
        found = claim(model.predict_proba(said.loc[asked, "text"]), model.prior, model.classes)
        blank.loc[asked, ["reason", "prob"]] = found.to_numpy(object)
    return Predicted(blank, figures | {"words": model.words, "split": "cross-validated by customer"})


def _table(rows: Examples, said: pd.DataFrame | None, found: Predicted, text: Predicted) -> pd.DataFrame:
    """One row per asked row; a reason read from a text goes before one from the pattern of features."""
    frame = rows.frame[["customer_id", "cutoff", "part"]]
    read = (text.frame["reason"] != UNKNOWN).to_numpy()
    prob = np.where(read, text.frame["prob"].astype(float), found.frame["prob"].astype(float))
    predicted = np.where(read, text.frame["reason"], found.frame["reason"])
    stated = pd.Series(None, index=frame.index, dtype=object) if said is None else said["stated"].astype(object)
    claimed = predicted != UNKNOWN
    return frame.assign(
        reason_stated=stated.where(stated.notna(), None), reason_predicted=predicted,
        reason_predicted_prob=np.where(claimed, prob, np.nan),
        evidence=np.select([stated.notna(), read, claimed],
                           ["said so", "read from the own words", "pattern of leavers who stated a reason"],
                           "thin"),
        **found.frame[P],
    )  # fmt: skip


def _indicated(
    context: Context, task: str, rows: Examples, features: tuple[Feature, ...], question: Task,
) -> dict[str, Any]:  # fmt: skip
    """What the churn model points at: for everybody scored, and for the newest leavers of the test cutoffs."""
    frame = rows.frame
    drivers = context.workspace.read_frame(f"drivers/{task}.parquet").set_index("customer_id")["reason_indicated"]
    indicated = frame["customer_id"].map(drivers).astype(object).where(frame["part"] == "score", None)
    # the model that serves a test row has not seen its label
    test = frame[(frame["part"] == "leaver") & (frame["source"] == "test")]
    test = test.sort_values(["cutoff", "customer_id"], ascending=[False, True], kind="stable").iloc[:MOST_EXPLAINED]
    asked = Examples(test.sort_index().assign(part="test"), rows.names)
    for name, chosen in models_of(asked, isinstance(question, GivenTask)):
        model = BlendClassifier.from_files(context.workspace.existing(f"models/{task}/{name}"))
        part = asked.X.loc[chosen]
        found, _ = indicated_class(attribute(model, part, features, threads=threads()).by_exit_class)
        indicated.loc[part.index] = found.to_numpy(object)
    return {"reason_indicated": indicated.where(indicated.notna(), None)}
