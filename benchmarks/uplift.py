"""Uplift on Hillstrom's e-mail trial: learners side by side, and how often nothing is mistaken for something.

    python benchmarks/uplift.py [--data FOLDER] [--seeds 10] [--repeats 200] [--parts learners,policy,aa]

Learners: Qini q (1e-4 per person) and qn, uplift at 10, 20 and 30 %, slope of the best linear predictor, on the unseen
half of each seed; beside them ranking by response risk and at random. Policy: three arms, spend less .10 a mail, each
customer's arm from the learner against everybody's best arm, by inverse propensity. A/A: the controls split at random,
half or a tenth "treated", also with a constant effect added: how often heterogeneity is "found" and an offer "kept".
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import train_test_split

from holdfast.evaluation.effects import mean_difference, mean_effect
from holdfast.evaluation.policy import choose_policy, policy_scores
from holdfast.evaluation.uplift import best_linear_predictor, judge_uplift, qini, qini_normalised, uplift_at
from holdfast.learners.uplift import LEARNERS, DefaultUplift, Design
from holdfast.learners.uplift.bases import Linear
from holdfast.learners.uplift.learners import pseudo_outcomes

Floats = npt.NDArray[np.float64]

FEATURES = ["recency", "history_segment", "history", "mens", "womens", "zip_code", "newbie", "channel"]
CONTROL = "No E-Mail"
ARMS = ("Mens E-Mail", "Womens E-Mail")
COST = 0.10
DRAWS = 5000


def halves(trial: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Half to learn from, half to judge on, the same share of each arm."""
    train, test = train_test_split(np.arange(len(trial)), test_size=0.5, random_state=seed, stratify=trial["segment"])
    return trial.iloc[train], trial.iloc[test]


def split(part: pd.DataFrame, arm: str) -> tuple[pd.DataFrame, npt.NDArray[np.bool_], Floats]:
    """Features, arm and visit."""
    return part[FEATURES], (part["segment"] == arm).to_numpy(), part["visit"].to_numpy(float)


def by_risk(train: pd.DataFrame, treated: Any, y: Any, seed: int) -> Callable[[pd.DataFrame], Floats]:
    """Ranking by the outcome that is to be expected without the offer."""
    design = Design.of(train)
    model = Linear(True).fit(design.linear(train[~treated]), y[~treated])
    return lambda X: model.predict(design.linear(X))


def learners(trial: pd.DataFrame, seeds: int) -> None:
    """Tables of learners for both e-mails."""
    rivals: dict[str, Callable[..., Callable[[pd.DataFrame], Floats]]] = {
        name: lambda X, t, y, seed, kind=kind: kind(seed).fit(X, t, y).effect for name, kind in LEARNERS.items()
    }
    rivals["response risk"] = by_risk
    rivals["random"] = lambda X, t, y, seed: lambda unseen: np.random.default_rng(seed).random(len(unseen))
    for arm in ("Womens E-Mail", "Mens E-Mail"):
        print(f"\n### {arm}, visit: {seeds} seeds, mean ± sd\n")
        print("| learner | q | qn | uplift at 10/20/30 % (pp) | slope |\n|---|---|---|---|---|")
        for name, make in rivals.items():
            rows = []
            for seed in range(seeds):
                parts = [half[half["segment"].isin([arm, CONTROL])] for half in halves(trial, seed)]
                (X, t, y), (unseen, s, z) = (
                    (part[FEATURES], (part["segment"] == arm).to_numpy(), part["visit"].to_numpy(float))
                    for part in parts
                )
                score = make(X, t, y, seed)(unseen)
                rows.append([1e4 * qini(z, s, score), qini_normalised(z, s, score),
                             *(100 * uplift_at(z, s, score, k) for k in (0.1, 0.2, 0.3)),
                             best_linear_predictor(z, s, score).slope])  # fmt: skip
            q, qn, first, second, third, slope = np.mean(rows, axis=0)
            slopes = f"{slope:.2f}" if name in LEARNERS else ""
            print(f"| {name} | {q:.0f} ± {np.std([row[0] for row in rows], ddof=1):.0f} | {qn:.3f} | "
                  f"{first:.1f}/{second:.1f}/{third:.1f} | {slopes} |")  # fmt: skip


def policy(trial: pd.DataFrame, seeds: int) -> None:
    """Value per customer of a personalised policy against one arm for all, and of the one that the rule ships."""
    print(f"\n### Three arms, spend − {COST:.2f} a mail, per customer, unseen half: {seeds} seeds\n")
    print("| policy | value | less men's to all |\n|---|---|---|")
    values: dict[str, list[float]] = {}
    personal = 0
    for seed in range(seeds):
        train, test = halves(trial, seed)
        learn, decide = halves(train, seed)
        best = one_arm(train)
        # what is shipped is decided on customers of the training half that the learner has not seen
        simple = worth(decide, np.full(len(decide), best))
        choice = choose_policy(worth(decide, wanted_arm(learn, decide, seed)), simple)
        personal += choice.personal
        own = wanted_arm(train, test, seed)
        wanted = {"men's to all": np.full(len(test), ARMS[0]), "women's to all": np.full(len(test), ARMS[1]),
                  "nobody": np.full(len(test), CONTROL), "personal": own,
                  "what the rule ships": own if choice.personal else np.full(len(test), best)}  # fmt: skip
        for name, arms in wanted.items():
            values.setdefault(name, []).append(float(worth(test, arms).mean()))
    for name, found in values.items():
        apart = np.asarray(found) - np.asarray(values["men's to all"])
        print(f"| {name} | {np.mean(found):.3f} ± {np.std(found, ddof=1):.3f} | "
              f"{apart.mean():+.3f} ± {np.std(apart, ddof=1):.3f} |")  # fmt: skip
    print(f"\nThe personal policy was shipped in {personal} of {seeds} seeds.")


def one_arm(train: pd.DataFrame) -> str:
    """The arm that earns most if everybody gets it."""
    return max((CONTROL, *ARMS), key=lambda arm: float(worth(train, np.full(len(train), arm)).mean()))


def wanted_arm(train: pd.DataFrame, unseen: pd.DataFrame, seed: int) -> Any:
    """The arm with the highest expected gain: visits gained, at the spend of a visit, less the mail."""
    gain = [np.zeros(len(unseen))]
    for arm in ARMS:
        part = train[train["segment"].isin([arm, CONTROL])]
        X, treated, visit = split(part, arm)
        # spend is too noisy to learn from
        each = part["spend"].sum() / max(part["visit"].sum(), 1)
        gain.append(DefaultUplift(seed).fit(X, treated, visit).effect(unseen[FEATURES]) * each - COST)
    return np.array([CONTROL, *ARMS])[np.argmax(np.column_stack(gain), axis=1)]


def worth(part: pd.DataFrame, wanted: Any) -> Floats:
    """Scores of a policy's profit."""
    profit = part["spend"].to_numpy(float) - COST * (part["segment"] != CONTROL).to_numpy(float)
    return policy_scores(profit, part["segment"].to_numpy(), wanted, 1 / 3)


def nothing_there(trial: pd.DataFrame, repeats: int) -> None:
    """False positives among the controls."""
    controls = trial[trial["segment"] == CONTROL].reset_index(drop=True)
    X, base = controls[FEATURES], controls["visit"].to_numpy(float)
    print(f"\n### A/A on {len(controls):,} controls, {repeats} repeats\n")
    print("| treated | added effect | heterogeneity found | kept at no cost | stopped |\n|---|---|---|---|---|")
    for share, added in ((0.5, 0.0), (0.1, 0.0), (0.5, 0.05)):
        found = kept = stopped = 0
        for seed in range(repeats):
            rng = np.random.default_rng(seed)
            treated = rng.random(len(X)) < share
            y = np.where(treated & (rng.random(len(X)) < added), 1.0, base)
            test = rng.random(len(X)) < 0.5
            score = DefaultUplift(seed).fit(X[~test], treated[~test], y[~test], share).effect(X[test])
            found += judge_uplift(y[test], treated[test], score, share, seed=seed).verdict == "found"
            effect = mean_effect(pseudo_outcomes(X, treated, y, share, seed=seed))
            kept += effect.low > 0
            stopped += effect.high < 0
        told = f"{kept / repeats:.3f}" if not added else f"({kept / repeats:.3f}: rightly)"
        print(f"| {share:.0%} | {added:.2f} | {found / repeats:.3f} | {told} | {stopped / repeats:.3f} |")
    ends = [mean_difference(base, np.random.default_rng(seed).random(len(X)) < 0.5) for seed in range(DRAWS)]
    print()
    for first in (repeats, DRAWS):
        rates = np.mean([[one.low > 0, one.high < 0] for one in ends[:first]], axis=0)
        print(f"The plain difference in {first:,} draws of one half: kept {rates[0]:.3f}, stopped {rates[1]:.3f}.")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of the real data; default: HOLDFAST_DATA")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--parts", default="learners,policy,aa")
    asked = parser.parse_args()
    file = Path(asked.data or os.environ.get("HOLDFAST_DATA") or "data/raw") / "hillstrom/hillstrom.csv.gz"
    if not file.is_file():
        print("\nhillstrom: not at hand")
        return
    trial, parts = pd.read_csv(file), asked.parts.split(",")
    if "learners" in parts:
        learners(trial, asked.seeds)
    if "policy" in parts:
        policy(trial, asked.seeds)
    if "aa" in parts:
        nothing_there(trial, asked.repeats)


if __name__ == "__main__":
    main()
