# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A first look at holdfast
#
# From raw customer histories to a retention list, step by step, on a small **simulated** shop. Every room of the
# package is used on its own first; at the end `run_all` walks the same road in one go. Simulated figures show that
# planted effects are found. They say nothing about real customers.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from holdfast.drivers.attribution import attribute, global_ranking
from holdfast.drivers.recovery import cause_recovery
from holdfast.drivers.words import reasons
from holdfast.evaluation.calibration import brier, calibration_curve
from holdfast.evaluation.comparison import compare
from holdfast.evaluation.ranking import auroc, lift_curve
from holdfast.examples import join
from holdfast.features.featureset import FeatureSet
from holdfast.histories.histories import Histories
from holdfast.histories.ingest import ingest
from holdfast.histories.simulate.world import simulate
from holdfast.learners.baselines import fit_baselines
from holdfast.learners.blend import ChurnClassifier
from holdfast.params import load_config
from holdfast.pipelines.domain import make_task
from holdfast.pipelines.runs import open_context, run_all
from holdfast.tasks.task import return_rate
from holdfast.windows import label_window, rolling_cutoffs, training_cutoffs

plt.rcParams.update({"figure.dpi": 75, "figure.figsize": (7, 3), "axes.spines.top": False, "axes.spines.right": False})
pd.set_option("display.max_colwidth", 70)
INK, SOFT = "#1f5f8b", "#b9c4cd"
room = tempfile.TemporaryDirectory(prefix="holdfast-notebook-")
folder = Path(room.name)

# %% [markdown]
# ## What happened: the histories
#
# `simulate` makes all tables of the domain, with known truth in `truth/` (no model ever reads it) and a config.
# Ingestion reads the files, types every cell, and puts what it must refuse into quarantine with a reason.

# %%
simulate(1500, months=24, seed=7).write(folder / "world")
config_file = folder / "world" / "holdfast.yaml"
config = load_config(config_file)
report = ingest(config.build_source(), folder / "histories", span=config.span, quarantine_dir=folder / "quarantine")
histories = Histories.open(folder / "histories")
counts = {name: table["rows_out"] for name, table in report.to_dict()["tables"].items()}
print(f"{histories.start} to {histories.end} (the midnight after the last purchase)")
pd.Series(counts, name="rows").sort_values(ascending=False).to_frame().T

# %%
purchases = histories.frame("purchases")
weekly = purchases.set_index("at").resample("W")["customer_id"].agg(["size", "nunique"])[1:-1]
fig, ax = plt.subplots()
ax.plot(weekly.index, weekly["nunique"], color=INK)
ax.set(title="Customers who bought, per week", ylim=(0, None))
fig.tight_layout()

# %% [markdown]
# ## What is asked: cohort and label
#
# A *cutoff* is a midnight. Known is what lies before it; asked is what happens in `[c + lead, c + lead + horizon)`.
# The cohort of a task of kind `silence` is everybody with a sign of life in the lookback, and the label is 1 for those
# without one in the window. Test cutoffs walk back from the newest complete window.

# %%
task = make_task(config, "churn")
tests = rolling_cutoffs(histories.start, histories.end, task.span, every=30, count=3)
at = tests[-1]
trains = training_cutoffs(at, histories.start, task.span, spacing=task.span.horizon, count=8)
back = return_rate(histories, task, tests)
labels = task.labels(histories, tests)
cohort = labels.groupby("cutoff")["label"].agg(customers="size", silent="sum", share="mean")
after = [label_window(c, task.span).end < histories.end for c in tests]
cohort["came back later"] = [back[c][1] / back[c][0] if more else np.nan for c, more in zip(tests, after, strict=True)]
print(
    f"lookback {task.span.lookback} d, lead {task.span.lead} d, horizon {task.span.horizon} d; "
    f"{len(trains)} training cutoffs serve {at}"
)
cohort.round(3)

# %% [markdown]
# *Silent is not gone*: the last column is the share of the silent who bought again before the data end. After the
# newest window there are no data left, so its share is not measured.
#
# ## What is known: the features
#
# One `FeatureSet` serves training and scoring. Its strongest law: `features(h, c) == features(h.upto(c), c)`, that is,
# nothing stamped at or after the cutoff moves anything.

# %%
wanted = FeatureSet.of(histories, horizon=task.span.horizon)
matrix = wanted.compute(histories, [*trains, at])
again = wanted.compute(histories.upto(at), [at]).frame
now = matrix.frame[matrix.frame["cutoff"] == pd.Timestamp(at)].reset_index(drop=True)
plain = [feature.name for feature in wanted.features if not feature.categorical]
print(f"{len(wanted.features)} features; the law holds: {now[plain].equals(again[plain])}")
pd.DataFrame([vars(f) for f in wanted.features]).groupby("family", sort=False).agg(
    features=("name", "size"), example=("name", "first"), unit=("unit", "first"), window=("window", "first")
)

# %%
rows = join(labels[labels["cutoff"] == pd.Timestamp(at)], matrix.frame, wanted.features)
fig, axes = plt.subplots(1, 3, figsize=(9, 2.8))
shown = {"days_since_last_order": 110, "gap_mean_days": 60, "rhythm_silence_h": 1}
for ax, (name, top) in zip(axes, shown.items(), strict=True):
    for value, colour, word in [(0, SOFT, "stayed"), (1, INK, "fell silent")]:
        values = rows.frame.loc[rows.y == value, name].clip(upper=top)
        ax.hist(values, bins=20, density=True, alpha=0.75, color=colour, label=word)
    ax.set(title=name, yticks=[])
axes[0].legend(frameon=False)
fig.tight_layout()

# %% [markdown]
# `rhythm_silence_h` is the chance that the present silence outlasts the window, read from the customer's own gaps and,
# where these are few, from everybody's.
#
# ## The model: a blend, beside its baselines
#
# Training labels come from `histories.upto(at)`: only what was known when the model would have been fitted. The blend
# is the mean log odds of strongly regularised boosting and a shrunken logistic regression.

# %%
training = join(task.labels(histories.upto(at), trains), matrix.frame, wanted.features)
training = training.where(~training.frame["in_lead"])
model = ChurnClassifier(seed=config.seed).fit(training.X, training.y)
p = model.predict_proba(rows.X)[:, 1]
baselines = fit_baselines(training.X, training.y, training.frame["cutoff"].to_numpy())
scores = {"blend": p} | {name: found.predict_proba(rows.X)[:, 1] for name, found in baselines.items()}
customer = rows.frame["customer_id"].to_numpy(object)
table = pd.DataFrame({name: {"AUROC": auroc(rows.y, q), "Brier": brier(rows.y, q)} for name, q in scores.items()}).T
paired = {
    name: compare(rows.y, p, q, customer, seed=config.seed)["auroc"] for name, q in scores.items() if name != "blend"
}
ahead = {name: f"{c['difference']:.3f} [{c['low']:.3f}, {c['high']:.3f}]" for name, c in paired.items()}
table["blend is ahead by"] = pd.Series(ahead)
print(f"{len(training.frame):,} training rows, {len(rows.frame):,} test rows")
table.round(3).fillna("")

# %%
curve = calibration_curve(rows.y, p, bins=10)
share, lift = lift_curve(rows.y, p, customer)
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
left.plot([0, 1], [0, 1], color=SOFT)
spread = [curve["observed"] - curve["low"], curve["high"] - curve["observed"]]
left.errorbar(curve["predicted"], curve["observed"], spread, fmt="o", color=INK, ms=4)
left.set(title="Calibration, equal-mass bins, 95 % intervals", xlabel="predicted", ylabel="fell silent")
right.plot(share[1:], lift[1:], color=INK)
right.axhline(1, color=SOFT)
right.set(title="Lift over the list's length", xlabel="share of the cohort", ylim=(0, None))
fig.tight_layout()

# %% [markdown]
# ## Why: the drivers
#
# SHAP on the margin of the blend, exact for both members. It explains the *model*, not why a person leaves.

# %%
found = attribute(model, rows.X, wanted.features)
error = np.abs(found.values.sum(axis=1) + found.base - model.decision_function(rows.X)).max()
families = found.by_family.abs().mean().sort_values().tail(10)
fig, ax = plt.subplots(figsize=(7, 3.2))
ax.barh(families.index, families, color=INK)
ax.set(title="Mean absolute contribution per family (log odds)")
fig.tight_layout()
print(f"contributions add up to the margin within {error:.0e}")
global_ranking(found, wanted.features)[["feature", "family", "mean_abs"]].head(5).round(3)

# %%
told = reasons(found, rows.X, wanted.features).assign(risk=p.round(2))
told.sort_values("risk", ascending=False, kind="stable")[["risk", "reason_1", "reason_2"]].iloc[::40].head(6)

# %% [markdown]
# In a simulated world the causes are known, so the drivers can be judged: how often is the planted cause among the
# three strongest classes of the customers whom it holds at the cutoff, and how often if causes are shuffled among them?

# %%
causes = pd.read_parquet(folder / "world" / "truth" / "causes.parquet").sort_values(["onset_at", "cause"])
now = pd.Timestamp(at)
hit = (causes["onset_at"] < now) & ~(causes["resolved_at"] < now)
planted = causes[hit].drop_duplicates("customer_id", keep="last").set_index("customer_id")["cause"]
by_class = found.by_exit_class.set_axis(rows.frame["customer_id"])
judged = cause_recovery(by_class, planted.reindex(by_class.index), seed=config.seed)
print(
    f"{judged['n']} customers hit: cause among the top three {judged['hit_rate']:.0%}, shuffled control "
    f"{judged['control_rate']:.0%} (at most {judged['control_high']:.0%} by chance)"
)
pd.DataFrame(judged["by_class"]).T.astype({"n": int}).round(2)

# %% [markdown]
# ## The whole road: list and report
#
# `holdfast run` walks the same functions as one graph of stages. To be quick there is one test cutoff here and no
# search for settings. An offer that is made for certain reasons opens for those whose reason is stated or predicted;
# this config lets the reason that the model points at open it too (`gate_by_indicated`).

# %%
text = config_file.read_text()
text = text.replace("trials: 10", "trials: 0").replace("test: 3", "test: 1").replace("train: 8", "train: 4")
text += f"tracking:\n  uri: sqlite:///{folder / 'mlflow.db'}\n"
config_file.write_text(text)
context = open_context(config_file, folder / "run", say=lambda stage: None)
done = run_all(context)
print(", ".join(each.name for each in done))
sorted(path.name for path in (folder / "run").iterdir() if not path.name.startswith("."))

# %%
listed = pd.read_parquet(folder / "run" / "lists" / "retention.parquet")
summary = context.workspace.read_json("lists/summary.json")
print("\n".join(summary["notes"][:3]))
columns = ["rank", "p_churn", "loss_if_silent", "planned_offer", "arm", "cost", "expected_profit", "reason_1"]
listed[columns].head(8).round(2)

# %%
why = listed["suppressed_because"].where(listed["arm"] == "none", "selected").value_counts().sort_values()
treated = listed[listed["arm"] == "treat"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3), width_ratios=[1, 1.2])
left.barh(why.index, why, color=[INK if name == "selected" else SOFT for name in why.index])
left.set(title="Selected, or why not")
right.plot(treated["cost"].cumsum(), treated["expected_profit"].cumsum(), color=INK)
right.set(title="Modelled profit over expected cost (effects assumed)", xlabel="cost", ylabel="profit")
fig.tight_layout()

# %% [markdown]
# Every effect above is *assumed*, and the list says so in each row. That is what the held out customers are for: the
# next round can measure it. `run/report.html` tells the same story to people who do not read code.

# %%
room.cleanup()
