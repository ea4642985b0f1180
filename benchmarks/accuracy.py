"""How well the default predicts: beside every baseline and a peer, part by part, on several later cutoffs.

    python benchmarks/accuracy.py [--data FOLDER] [--sets a,b] [--cutoffs 5] [--peer PYTHON] [--seconds 150]

Prints Markdown. The default is the library's own road (ingest, label, featurize, tune without trials, train); every
figure is the mean over the test cutoffs, and differences are paired, with intervals from 1 000 resamples of customers.
The peer is AutoGluon (`best_quality`, log loss) on the very same table with float columns, in an environment of its
own (`pip install "autogluon.tabular[lightgbm,catboost,xgboost]"`); without `--peer` it is not measured.
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from accuracy_cases import WORLDS, Case, cases, data_folder, denser, prepared
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from holdfast.evaluation.comparison import Fold, compare_mean
from holdfast.evaluation.ranking import auroc
from holdfast.evaluation.report import evaluate
from holdfast.examples import Examples
from holdfast.learners.baselines import fit_baselines
from holdfast.learners.blend import BlendClassifier, ChurnClassifier
from holdfast.pipelines.domain import make_task
from holdfast.pipelines.graph import Context
from holdfast.pipelines.learn import load_examples, training_rows
from holdfast.tasks.task import GivenTask

SETS = ("online_retail", "cdnow", *WORLDS, "iranian", "motor", "telco")
FIGURES = ("auroc", "average_precision", "top_decile_lift", "brier", "ece", "ece_floor", "calibration_slope")
PEER = "AutoGluon"
DEFAULT = "holdfast"


@dataclass
class Round:
    """One test cutoff (or one draw of a snapshot's test part): truth, and what everybody said.

    Parameters
    ----------
    y, customer : arrays of shape (n,)
    scores : dict of str to array of shape (n,)
        Default, baselines and peer.
    parts : dict of str to array of shape (n,)
        The default with one part taken away.
    seconds : dict of str to float
        Time to fit and score.
    one_purchase : array of shape (n,)
        Who has one purchase day; all False where there are no purchases.
    cold : array or None
        Scores of a model fitted on such customers only.
    level : dict
        What the level rule decided.
    """

    y: Any
    customer: Any
    scores: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    one_purchase: Any = None
    cold: Any = None
    level: dict[str, Any] = field(default_factory=dict)


def rounds(case: Case, scratch: Path, peer: str | None, seconds: float) -> Iterator[Round]:
    """Every test cutoff of a case."""
    for context in prepared(case, scratch):
        examples, _, plan = load_examples(context, "churn")
        question = make_task(context.config, "churn")
        for at in plan.test:
            training = training_rows(examples, at, question)
            frame = examples.frame
            chosen = (frame["part"] == "test") & (frame["cutoff"] == pd.Timestamp(at)) & ~frame["in_lead"]
            yield _round(context, training, examples.where(chosen), str(at), isinstance(question, GivenTask),
                         scratch, peer, seconds)  # fmt: skip


def _round(
    context: Context, training: Examples, test: Examples, at: str, snapshot: bool, scratch: Path, peer: str | None,
    seconds: float,
) -> Round:  # fmt: skip
    one = Round(test.y, test.frame["customer_id"].to_numpy(object))
    tuned = context.workspace.read_json("tune/churn.json")
    began = time.perf_counter()
    model = ChurnClassifier(seed=context.config.seed, **tuned["params"])
    model.fit(training.X, training.y, served=None if snapshot else test.X)
    folder = context.workspace.existing(f"models/churn/{'without_fold_0' if snapshot else at}")
    stored = BlendClassifier.from_files(folder)
    margin = model.decision_function(test.X)
    one.scores[DEFAULT] = expit(margin + stored.shift_)
    one.seconds[DEFAULT] = time.perf_counter() - began + _ladder_seconds(context)
    baselines = fit_baselines(training.X, training.y, training.frame["cutoff"].to_numpy())
    one.scores |= {name: baseline.predict_proba(test.X)[:, 1] for name, baseline in baselines.items()}
    one.scores["hist_boosting"] = _hist(model, training, test, context.config.seed)
    _parts(one, model, stored.shift_, training, test, context.config.seed, snapshot)
    _cold(one, training, test, context.config.seed)
    one.level = {} if snapshot else context.workspace.read_json("models/churn/level.json").get(at, {})
    if peer:
        _peer(one, model, training, test, peer, scratch, seconds)
    return one


def _ladder_seconds(context: Context) -> float:
    """Climbing the ladder is part of what the default costs; it is done once for all cutoffs."""
    return float(context.workspace.read_json(".holdfast/tune@churn.json")["seconds"])


def _parts(
    one: Round, model: BlendClassifier, shift: float, training: Examples, test: Examples, seed: int, snapshot: bool
) -> None:
    """The default with one part taken away each."""
    boosting, linear = model.boosting_margin(test.X), model.logit_margin(test.X)
    one.parts["boosting alone"] = expit(boosting + shift)
    one.parts["logit alone"] = expit(linear + shift)
    plain = ChurnClassifier(seed=seed).fit(training.X, training.y, served=None if snapshot else test.X)
    one.parts["no capacity ladder"] = expit(plain.decision_function(test.X) + shift)
    if not snapshot:
        one.parts["no level rule"] = expit(model.decision_function(test.X))
        kept = ChurnClassifier(**model.get_params()).fit(training.X, training.y)
        one.parts["strayed features kept"] = expit(kept.decision_function(test.X) + shift)
        newest = training.where(training.frame["cutoff"] == training.frame["cutoff"].max())
        single = ChurnClassifier(**model.get_params()).fit(newest.X, newest.y, served=test.X)
        one.parts["newest training cutoff only"] = expit(single.decision_function(test.X) + shift)


def _cold(one: Round, training: Examples, test: Examples, seed: int) -> None:
    one.one_purchase = np.zeros(len(one.y), dtype=bool)
    if "purchase_days_all" not in test.names:
        return
    one.one_purchase = (test.frame["purchase_days_all"] <= 1).to_numpy()
    rows = training.where(training.frame["purchase_days_all"] <= 1)
    if one.one_purchase.sum() > 50 and len(np.unique(rows.y)) == 2:
        cold = ChurnClassifier(seed=seed).fit(rows.X, rows.y)
        one.cold = cold.predict_proba(test.X[one.one_purchase])[:, 1]


def _hist(model: BlendClassifier, training: Examples, test: Examples, seed: int) -> Any:
    trees = HistGradientBoostingClassifier(random_state=seed).fit(model.encode(training.X), training.y)
    return trees.predict_proba(model.encode(test.X))[:, 1]


def _peer(
    one: Round, model: BlendClassifier, training: Examples, test: Examples, peer: str, scratch: Path, seconds: float
) -> None:
    paths = [scratch / f"peer_{name}.parquet" for name in ("train", "test", "scores")]
    for rows, path in zip((training, test), paths[:2], strict=True):
        frame = pd.DataFrame(model.encode(rows.X), columns=list(rows.names)).astype("float32")
        (frame.assign(label=rows.y) if rows is training else frame).to_parquet(path)
    began = time.perf_counter()
    subprocess.run(
        [peer, str(Path(__file__).with_name("accuracy_peer.py")), *map(str, paths), str(seconds)], check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    one.seconds[PEER] = time.perf_counter() - began
    one.scores[PEER] = pd.read_parquet(paths[2])["score"].to_numpy(np.float64)


def figures(found: list[Round], name: str, pick: str = "scores") -> dict[str, float]:
    """Mean figures over the rounds."""
    pages = [evaluate(one.y, np.clip(getattr(one, pick)[name], 1e-6, 1 - 1e-6), one.customer, seed=7, n_boot=0)
             for one in found]  # fmt: skip
    return {key: float(np.mean([page[key] for page in pages if page[key] is not None] or [np.nan])) for key in FIGURES}


def against(found: list[Round], other: list[Any]) -> dict[str, Mapping[str, float | None]]:
    """Default minus another, paired, at the mean of the rounds."""
    folds = [Fold(one.y, one.scores[DEFAULT], np.clip(p, 1e-6, 1 - 1e-6), one.customer)
             for one, p in zip(found, other, strict=True)]  # fmt: skip
    return compare_mean(folds, seed=7)


def slope_interval(found: list[Round]) -> str:
    """Calibration slope of the default over all rounds together, customers drawn as clusters."""
    y, p, customer = (np.concatenate(parts) for parts in zip(
        *((one.y, one.scores[DEFAULT], one.customer.astype(str)) for one in found), strict=True))  # fmt: skip
    page = evaluate(y, p, customer, seed=7)
    low, high = page["intervals"]["calibration_slope"]
    return f"{page['calibration_slope']:.3f} [{low:.3f}, {high:.3f}]"


def say_main(name: str, found: list[Round]) -> None:
    """Default, baselines and peer side by side."""
    print(f"\n### {name}: {len(found)} rounds, {np.mean([len(one.y) for one in found]):,.0f} rows each, "
          f"rate {np.mean([one.y.mean() for one in found]):.3f}\n")  # fmt: skip
    print("| method | AUROC | AP | lift | Brier | ECE (floor) | slope | AUROC ahead | Brier ahead | time |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    ordered = [DEFAULT, *sorted((key for key in found[0].scores if key != DEFAULT),
                                key=lambda key: -figures(found, key)["auroc"])]  # fmt: skip
    for key in ordered:
        own = figures(found, key)
        gain = against(found, [one.scores[key] for one in found]) if key != DEFAULT else None
        took = np.mean([one.seconds[key] for one in found]) if key in found[0].seconds else np.nan
        base = np.mean([one.seconds[DEFAULT] for one in found])
        ratio = f"{took / base:.1f} ×" if np.isfinite(took) else ""
        lift = f"{own['top_decile_lift']:.2f}"
        print(f"| {key} | {own['auroc']:.4f} | {own['average_precision']:.4f} | {lift} | {own['brier']:.4f} | "
              f"{own['ece']:.4f} ({own['ece_floor']:.4f}) | {own['calibration_slope']:.2f} | "
              f"{_gain(gain, 'auroc')} | {_gain(gain, 'brier', -1)} | {ratio} |")  # fmt: skip
    if PEER not in found[0].scores:
        print(f"| {PEER} | not measured: no peer environment was named | | | | | | | | |")
    print(f"\nCalibration slope of the default, all rounds together: {slope_interval(found)}.")


def say_parts(name: str, found: list[Round], dense: list[Round] | None) -> None:
    """What each part brings: the default minus the default without it."""
    print(f"\n| {name}: without … | AUROC lost | Brier lost |\n|---|---|---|")
    for key in found[0].parts:
        gain = against(found, [one.parts[key] for one in found])
        print(f"| {key} | {_gain(gain, 'auroc')} | {_gain(gain, 'brier', -1)} |")
    if dense:
        gain = against(found, [one.scores[DEFAULT] for one in dense])
        print(f"| training cutoffs half a horizon apart | {_gain(gain, 'auroc')} | {_gain(gain, 'brier', -1)} |")


def _gain(gain: Mapping[str, Mapping[str, float | None]] | None, key: str, sign: int = 1) -> str:
    if gain is None or gain[key]["difference"] is None:
        return ""
    ends = sorted(sign * float(gain[key][end] or 0.0) for end in ("low", "high"))
    return f"{sign * float(gain[key]['difference'] or 0.0):+.4f} [{ends[0]:+.4f}, {ends[1]:+.4f}]"


def say_level(all_found: Mapping[str, list[Round]]) -> None:
    """The level rule on and off."""
    print(
        "\n## The level of churn\n\n| set | rounds it acted at | mean shift (logits) | ECE off → on | Brier off → on |"
    )
    print("|---|---|---|---|---|")
    for name, found in all_found.items():
        if "no level rule" not in found[0].parts:
            continue
        acted = [one.level.get("shift", 0.0) for one in found if one.level.get("applied")]
        off, on = figures(found, "no level rule", "parts"), figures(found, DEFAULT)
        mean = f"{np.mean(acted):+.3f}" if acted else "abstained"
        print(f"| {name} | {len(acted)} of {len(found)} | {mean} | {off['ece']:.4f} → {on['ece']:.4f} | "
              f"{off['brier']:.4f} → {on['brier']:.4f} |")  # fmt: skip


def say_cold(all_found: Mapping[str, list[Round]]) -> None:
    """Customers with one purchase day: the default beside a model of their own."""
    print(
        "\n## Customers with one purchase\n\n| set | share of rows | AUROC, default | AUROC, own model | ECE, default |"
    )
    print("|---|---|---|---|---|")
    for name, found in all_found.items():
        some = [one for one in found if one.cold is not None and len(np.unique(one.y[one.one_purchase])) == 2]
        if not some:
            continue
        masks = [one.one_purchase for one in some]
        own = np.mean([auroc(one.y[m], one.scores[DEFAULT][m]) for one, m in zip(some, masks, strict=True)])
        cold = np.mean([auroc(one.y[m], one.cold) for one, m in zip(some, masks, strict=True)])
        ece = np.mean([evaluate(one.y[m], one.scores[DEFAULT][m], one.customer[m], seed=7, n_boot=0)["ece"]
                       for one, m in zip(some, masks, strict=True)])  # fmt: skip
        print(f"| {name} | {np.mean([m.mean() for m in masks]):.2f} | {own:.4f} | {cold:.4f} | {ece:.4f} |")


def say_permuted(name: str, case: Case, scratch: Path) -> None:
    """Labels permuted in training and test within each cutoff, at all test cutoffs, five seeds."""
    found = []
    for context in prepared(case, scratch):
        examples, _, plan = load_examples(context, "churn")
        question = make_task(context.config, "churn")
        for at in plan.test:
            training = training_rows(examples, at, question)
            frame = examples.frame
            test = examples.where((frame["part"] == "test") & (frame["cutoff"] == pd.Timestamp(at)))
            for seed in range(5):
                rng = np.random.default_rng(seed)
                groups = training.frame.groupby("cutoff")["label"]
                y = groups.transform(lambda values, rng=rng: rng.permutation(values.to_numpy())).to_numpy()
                model = ChurnClassifier(seed=7).fit(training.X, y)
                found.append(auroc(rng.permutation(test.y), model.predict_proba(test.X)[:, 1]))
    print(f"| {name} | {len(found)} | {np.mean(found):.4f} | {min(found):.4f} to {max(found):.4f} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of the real data; default: HOLDFAST_DATA")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--cutoffs", type=int, default=5)
    parser.add_argument("--peer", help="python of an environment with AutoGluon")
    parser.add_argument("--seconds", type=float, default=150.0)
    asked = parser.parse_args()
    all_found: dict[str, list[Round]] = {}
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder, threadpool_limits(limits=1):
        scratch = Path(folder)
        permuted = []
        print("## Beside baselines and the peer")
        for case in cases(data_folder(asked.data), scratch, asked.cutoffs, asked.sets.split(",")):
            if isinstance(case, str):
                print(f"\n{case}")
                continue
            found = list(rounds(case, scratch, asked.peer, asked.seconds))
            all_found[case.name] = found
            say_main(case.name, found)
            rolling = len(case.configs) == 1
            dense = list(rounds(denser(case), scratch, None, 0.0)) if rolling else None
            say_parts(case.name, found, dense)
            permuted += [case] if rolling else []
        say_level(all_found)
        say_cold(all_found)
        print("\n## Permuted labels\n\n| set | fits | mean AUROC | range |\n|---|---|---|---|")
        for case in permuted:
            say_permuted(case.name, case, scratch)
        say_mean(all_found)


def say_mean(all_found: Mapping[str, list[Round]]) -> None:
    """The default minus each rival, averaged over the sets on which both were measured."""
    print("\n## Mean over the sets\n\n| method | sets | AUROC ahead | Brier ahead |\n|---|---|---|---|")
    names = sorted({key for found in all_found.values() for key in found[0].scores if key != DEFAULT})
    for key in names:
        gains = [(figures(found, DEFAULT), figures(found, key)) for found in all_found.values()
                 if key in found[0].scores]  # fmt: skip
        ahead = np.mean([a["auroc"] - b["auroc"] for a, b in gains])
        brier = np.mean([b["brier"] - a["brier"] for a, b in gains])
        print(f"| {key} | {len(gains)} | {ahead:+.4f} | {brier:+.4f} |")


if __name__ == "__main__":
    main()
