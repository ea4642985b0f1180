"""The fits behind the accuracy benchmark: the default, its rivals, the default without a part, a model of novices."""

import hashlib
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from accuracy_cases import PREPARE, Case, denser, prepare
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier

from holdfast.evaluation.ranking import auroc
from holdfast.evaluation.recalibration import recalibrate
from holdfast.examples import Examples
from holdfast.learners.baselines import fit_baselines
from holdfast.learners.blend import BlendClassifier, ChurnClassifier
from holdfast.learners.calibrate import shift_to_rate
from holdfast.pipelines.domain import make_task
from holdfast.pipelines.graph import Context
from holdfast.pipelines.learn import load_examples, training_rows
from holdfast.pipelines.provenance import threads
from holdfast.tasks.task import GivenTask

DEFAULT, PEER, HIST = "holdfast", "AutoGluon", "hist_boosting"
DENSER = "training cutoffs half a horizon apart"
DENSER_ONLY = "the same, no more of them (half the time)"
PERMUTATIONS = 5
FEWEST_NOVICES = 50


@dataclass
class Round:
    """One test cutoff (or one draw of a snapshot's test part): truth, and what everybody said.

    Parameters
    ----------
    at : str
        Test cutoff, or the seed of a draw.
    training, test : Examples
    model : BlendClassifier
        The default, with its level shift.
    served : bool
        Whether the model is told what it will serve, as it is where there are cutoffs.
    level : dict
        What the level rule decided; empty for a snapshot.
    capacity : str
        Step of the capacity ladder.
    scores, parts : dict of str to array of shape (n,)
        Default and rivals; the default with one part taken away or exchanged.
    seconds : dict of str to float
        Time to fit and score, where it was measured.
    novices : array of shape (n,)
        Who has one purchase day; all False where there are no purchases.
    specialist : array or None
        Scores of the novices by a model fitted on novices only.
    permuted : list of float
        AUROC under permuted labels.
    peer : dict
        Version of the peer and its seconds on the processors.
    """

    at: str
    training: Examples
    test: Examples
    model: BlendClassifier
    served: bool
    level: dict[str, Any]
    capacity: str
    scores: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    novices: Any = None
    specialist: Any = None
    permuted: list[float] = field(default_factory=list)
    peer: dict[str, Any] = field(default_factory=dict)

    @property
    def y(self) -> Any:
        """Labels of the test rows."""
        return self.test.y

    @property
    def customer(self) -> Any:
        """Customer ids of the test rows."""
        return self.test.frame["customer_id"].to_numpy(object)

    def fit(self, rows: Examples, *, served: bool = True, y: Any = None, **changed: Any) -> ChurnClassifier:
        """A model with the settings of the default but for those that are `changed`."""
        model = ChurnClassifier(**(self.model.get_params() | changed))
        return model.fit(rows.X, rows.y if y is None else y, served=self.test.X if served and self.served else None)

    def levelled(self, margin: Any) -> Any:
        """Probabilities of log odds, moved to the level that the rule chose for this round."""
        if not self.level.get("applied"):
            return expit(margin)
        return expit(margin + shift_to_rate(margin, float(self.scores[DEFAULT].mean())))


def measure(case: Case, work: Path, peer: str | None, seconds: float) -> list[Round]:
    """Every round of a case, with all that is fitted for it."""
    found = [one for number in range(len(case.configs)) for one in _rounds(prepare(case, work, number))]
    for one in found:
        _fit_rivals(one)
    for one in found if peer else ():
        _fit_peer(one, str(peer), work / f"peer_{case.name}_{one.at}", seconds)
    _side_by_side(_fit_parts, found)
    _side_by_side(_fit_specialist, found)
    if case.rolling:
        _side_by_side(lambda seed: _permute(found[-1], seed), range(PERMUTATIONS))
        _fit_denser(found, prepare(denser(case), work, 0, PREPARE))
    return found


def _side_by_side(task: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    with ThreadPoolExecutor(max_workers=max(threads(), 1)) as pool:
        return list(pool.map(task, items))


def _rounds(context: Context) -> Iterator[Round]:
    """The test cutoffs of a run; the model is the stored one, and must be what a new fit gives."""
    examples, _, plan = load_examples(context, "churn")
    question, tuned = make_task(context.config, "churn"), context.workspace.read_json("tune/churn.json")
    rolling = not isinstance(question, GivenTask)
    ladder = context.workspace.read_json(".holdfast/tune@churn.json")["seconds"]
    for at in plan.test:
        training, test = training_rows(examples, at, question), _test_rows(examples, at)
        stored = context.workspace.existing(f"models/churn/{at if rolling else 'without_fold_0'}")
        model = BlendClassifier.from_files(stored)
        level = context.workspace.read_json("models/churn/level.json")[str(at)] if rolling else {}
        name = str(at) if rolling else f"seed {context.config.seed}"
        one = Round(name, training, test, model, rolling, level, tuned["capacity"])
        began = time.perf_counter()
        margin = one.fit(training, seed=context.config.seed, **tuned["params"]).decision_function(test.X)
        # the ladder is climbed once for all cutoffs, but a model in service has to pay for it
        one.seconds[DEFAULT] = time.perf_counter() - began + float(ladder)
        if not np.array_equal(margin + model.shift_, model.decision_function(test.X)):
            raise RuntimeError(f"{at}: a new fit of the default is not the stored model")
        one.scores[DEFAULT] = expit(margin + model.shift_)
        yield one


def _test_rows(examples: Examples, at: Any) -> Examples:
    frame = examples.frame
    return examples.where((frame["part"] == "test") & (frame["cutoff"] == pd.Timestamp(at)) & ~frame["in_lead"])


def _fit_rivals(one: Round) -> None:
    """The baselines of the library, and scikit-learn's boosting as it comes on the same table."""
    baselines = fit_baselines(one.training.X, one.training.y, one.training.frame["cutoff"].to_numpy())
    one.scores |= {name: baseline.predict_proba(one.test.X)[:, 1] for name, baseline in baselines.items()}
    training, test = (_table(one.model, rows) for rows in (one.training, one.test))
    began = time.perf_counter()
    trees = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
    one.scores[HIST] = trees.fit(training, one.training.y).predict_proba(test)[:, 1]
    one.seconds[HIST] = time.perf_counter() - began


def _table(model: BlendClassifier, rows: Examples) -> pd.DataFrame:
    """Numbers as floats, categories with the levels of the training rows (others are missing)."""
    levels = model.categories_
    return pd.DataFrame({
        name: pd.Categorical(column.astype("str").where(column.notna()), list(levels[name]))
        if name in levels else column.to_numpy("float64", na_value=np.nan)
        for name, column in rows.X.items()
    })  # fmt: skip


def _fit_peer(one: Round, peer: str, stem: Path, seconds: float) -> None:
    """Scores of AutoGluon on the same tables; kept in the working folder, a finished fit is not repeated."""
    training, test = (_table(one.model, rows) for rows in (one.training, one.test))
    content = [pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes() for rows in (training, test)]
    mark = hashlib.sha256(b"".join([*content, one.training.y.tobytes(), str(seconds).encode()])).hexdigest()[:16]
    paths = [stem.with_name(f"{stem.name}_{mark}_{part}.parquet") for part in ("train", "test", "scores")]
    if not paths[2].is_file():
        training.assign(label=one.training.y).to_parquet(paths[0])
        test.to_parquet(paths[1])
        script = str(Path(__file__).with_name("accuracy_peer.py"))
        done = subprocess.run(
            [peer, script, *map(str, paths), str(seconds)], check=False, capture_output=True, text=True
        )
        if done.returncode:
            words = done.stderr.strip().splitlines()[-1:] or ["no message"]
            print(f"\n{PEER} failed at {one.at}: {words[0][:200]}", flush=True)
            return
    found = pd.read_parquet(paths[2])
    one.scores[PEER] = found["score"].to_numpy(np.float64)
    one.seconds[PEER], one.peer = float(found["seconds"].iloc[0]), found.iloc[0][["processor", "version"]].to_dict()


def _fit_parts(one: Round) -> None:
    """The default with one part taken away or exchanged each; the level that the rule chose is kept."""
    training, X = one.training, one.test.X
    raw = one.scores[DEFAULT] if not one.level.get("applied") else expit(one.model.shifted(0.0).decision_function(X))
    one.parts["no logit member"] = one.levelled(one.model.boosting_margin(X))
    one.parts["no boosting member"] = one.levelled(one.model.logit_margin(X))
    plain = ChurnClassifier(seed=one.model.seed).get_params()
    same = plain == one.model.get_params()
    one.parts["no capacity ladder"] = (
        one.scores[DEFAULT] if same else one.levelled(one.fit(training, **plain).decision_function(X))
    )
    if not one.served:
        return
    # the trees do not depend on what is served: one is enough to get at the other member
    whole = one.fit(training, served=False, n_trees=1).logit_margin(X)
    weight = one.model.weight
    one.parts["strayed features kept"] = one.levelled(weight * one.model.boosting_margin(X) + (1 - weight) * whole)
    one.parts["no level rule"] = raw
    one.parts["a calibrator on the newest slice instead"] = _calibrated(one, raw)
    newest = training.where(training.frame["cutoff"] == training.frame["cutoff"].max())
    one.parts["newest training cutoff only"] = one.levelled(one.fit(newest).decision_function(X))


def _calibrated(one: Round, raw: Any) -> Any:
    """Platt's line, fitted on the newest training cutoff by a model of the older ones; raw without older ones."""
    cutoff = one.training.frame["cutoff"]
    old, new = one.training.where(cutoff < cutoff.max()), one.training.where(cutoff == cutoff.max())
    if len(np.unique(old.y)) < 2:
        return raw
    model = ChurnClassifier(**one.model.get_params()).fit(old.X, old.y, served=new.X)
    line = recalibrate(new.y, model.predict_proba(new.X)[:, 1], new.frame["customer_id"].to_numpy(object))
    return expit(line.intercept + line.slope * one.model.shifted(0.0).decision_function(one.test.X))


def _fit_specialist(one: Round) -> None:
    """A model of customers with one purchase day, for them."""
    one.novices = np.zeros(len(one.y), dtype=bool)
    if "purchase_days_all" not in one.test.names:
        return
    one.novices = (one.test.frame["purchase_days_all"] <= 1).to_numpy()
    rows = one.training.where(one.training.frame["purchase_days_all"] <= 1)
    if one.novices.sum() >= FEWEST_NOVICES and len(np.unique(rows.y)) == len(np.unique(one.y[one.novices])) == 2:
        model = ChurnClassifier(seed=one.model.seed).fit(rows.X, rows.y)
        one.specialist = model.predict_proba(one.test.X[one.novices])[:, 1]


def _permute(one: Round, seed: int) -> None:
    """Labels permuted within each cutoff, in training and test: nothing is left to be found."""
    rng = np.random.default_rng(seed)
    y = one.training.y.copy()
    for at in np.unique(one.training.frame["cutoff"]):
        rows = np.flatnonzero(one.training.frame["cutoff"] == at)
        y[rows] = rng.permutation(y[rows])
    one.permuted.append(auroc(rng.permutation(one.y), one.fit(one.training, y=y).decision_function(one.test.X)))


def _fit_denser(found: list[Round], context: Context) -> None:
    """The same settings and level on denser training cutoffs: over the same time, and as many as before."""
    examples, _, _ = load_examples(context, "churn")
    question = make_task(context.config, "churn")

    def fit(one: Round) -> None:
        test, training = _test_rows(examples, one.at), training_rows(examples, date.fromisoformat(one.at), question)
        if not np.array_equal(test.frame["customer_id"].to_numpy(object), one.customer):
            raise RuntimeError(f"{one.at}: the denser run has other test rows")
        one.parts[DENSER] = one.levelled(one.fit(training).decision_function(test.X))
        newest = np.sort(training.frame["cutoff"].unique())[-one.training.frame["cutoff"].nunique() :]
        fewer = training.where(training.frame["cutoff"].isin(newest))
        one.parts[DENSER_ONLY] = one.levelled(one.fit(fewer).decision_function(test.X))

    _side_by_side(fit, found)
