"""Markdown tables of the accuracy benchmark."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from accuracy_fits import DEFAULT, PEER

UNMEASURED = "not measured (no peer environment)"
Figures = Mapping[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """One Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def gain(found: Figures, figure: str, sign: int = 1) -> str:
    """A paired difference and its interval; `sign` -1 turns losses round, so that + is in favour of the default."""
    value = found[figure]
    if value["difference"] is None or value["low"] is None:
        return ""
    low, high = sorted(sign * value[end] for end in ("low", "high"))
    return f"{_signed(sign * value['difference'])} [{_signed(low)}, {_signed(high)}]"


def _signed(value: float) -> str:
    """Four digits with a sign; nothing is +0."""
    return "0" if round(value, 4) == 0 else f"{value:+.4f}"


def main_table(name: str, found: Figures) -> str:
    """Default, rivals and peer of one data set."""
    rounds, methods = found["rounds"], found["methods"]
    rows, rate = (sum(one[key] for one in rounds) / len(rounds) for key in ("rows", "rate"))
    training, cutoffs = ([one[key] for one in rounds] for key in ("training_rows", "training_cutoffs"))
    kind = "test cutoffs" if found["level"] else "draws of the test quarter"
    facts = (
        f"{len(rounds)} {kind}, {rows:,.0f} rows each, rate {rate:.3f}; {rounds[0]['features']} features; "
        f"{_from_to(training)} training rows from {_from_to(cutoffs)} cutoff{'s' * (max(cutoffs) > 1)}; "
        f"capacity: {', '.join(sorted({one['capacity'] for one in rounds}))}."
    )
    head = ["method", "AUROC", "AP", "lift", "Brier", "ECE (floor)", "slope [95 %]", "AUROC ahead", "Brier ahead",
            "fit s", f"of {PEER}'s"]  # fmt: skip
    others = sorted((key for key in methods if key != DEFAULT), key=lambda key: -methods[key]["auroc"])
    lines = [_method(key, methods) for key in (DEFAULT, *others)]
    if PEER not in methods:
        some = any(one["peer"] for one in rounds)
        lines.append([PEER, "it failed at some cutoffs" if some else UNMEASURED, *[""] * (len(head) - 2)])
    return f"### {name}\n\n{facts}\n\n{table(head, lines)}"


def _from_to(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _method(name: str, methods: Figures) -> list[str]:
    own = methods[name]
    slope = "" if own["slope"] is None else "{:.2f} [{:.2f}, {:.2f}]".format(*own["slope"])
    ahead = [gain(own["ahead"], "auroc"), gain(own["ahead"], "brier", -1)] if own["ahead"] else ["", ""]
    peer = methods.get(PEER, {}).get("seconds")
    taken = "" if own["seconds"] is None else f"{own['seconds']:.1f}"
    share = f"{own['seconds'] / peer:.3f}" if peer and taken else "not measured" if taken else ""
    return [
        name, f"{own['auroc']:.4f}", f"{own['average_precision']:.4f}", f"{own['top_decile_lift']:.2f}",
        f"{own['brier']:.4f}", f"{own['ece']:.4f} ({own['ece_floor']:.4f})", slope, *ahead, taken, share,
    ]  # fmt: skip


def parts_table(name: str, found: Figures) -> str:
    """What each part brings: the default minus the default without it."""
    rows = []
    for part, own in found["parts"].items():
        lost = ["nothing changes", ""] if own["same"] else [gain(own["lost"], "auroc"), gain(own["lost"], "brier", -1)]
        rows.append([part, f"{own['auroc']:.4f}", f"{own['brier']:.4f}", *lost])
    return table([name, "AUROC", "Brier", "AUROC lost", "Brier lost"], rows)


def level_table(sets: Mapping[str, Figures]) -> str:
    """The level rule on and off."""
    rows = []
    for name, found in sets.items():
        if not found["level"]:
            continue
        level, own = found["level"], found["methods"][DEFAULT]
        acted = f"{level['acted']} of {len(found['rounds'])}"
        shift = f"{level['mean_shift']:+.3f}" if level["acted"] else "abstained"
        ece = f"{level['off']['ece']:.4f} → {own['ece']:.4f} ({own['ece_floor']:.4f})"
        brier = f"{level['off']['brier']:.4f} → {own['brier']:.4f}"
        saved = gain(found["parts"]["no level rule"]["lost"], "brier", -1) if level["acted"] else ""
        rows.append([name, acted, shift, ece, brier, saved, level["reason"].removeprefix("raw level kept: ")])
    head = ["set", "acted at", "mean shift, logits", "ECE off → on (floor)", "Brier off → on", "Brier saved",
            "why, at the newest cutoff"]  # fmt: skip
    return table(head, rows)


def novices_table(sets: Mapping[str, Figures]) -> str:
    """Customers with one purchase day."""
    rows = []
    for name, own in ((name, found["novices"]) for name, found in sets.items() if found["novices"]):
        rows.append([
            name, f"{own['share']:.2f}", *(f"{value:.4f}" for value in own["auroc"]), gain(own["ahead"], "auroc"),
            *(f"{value:.4f}" for value in own["brier"]), f"{own['ece']:.4f} ({own['ece_floor']:.4f})",
        ])  # fmt: skip
    head = ["set", "share of rows", "AUROC, default", "AUROC, own model", "default ahead", "Brier, default",
            "Brier, own model", "ECE, default (floor)"]  # fmt: skip
    return table(head, rows)


def permuted_table(sets: Mapping[str, Figures]) -> str:
    """Labels permuted within each cutoff."""
    rows = [[name, str(len(found["permuted"])), f"{sum(found['permuted']) / len(found['permuted']):.4f}",
             f"{min(found['permuted']):.4f} to {max(found['permuted']):.4f}"]
            for name, found in sets.items() if found["permuted"]]  # fmt: skip
    return table(["set", "fits", "mean AUROC", "range"], rows)


def overview(sets: Mapping[str, Figures], kind: str, column: str, figure: str, sign: int = 1) -> str:
    """Differences of one figure, set by set; an asterisk where the interval leaves out 0."""
    names = list(dict.fromkeys(key for found in sets.values() for key in found[kind] if key != DEFAULT))
    rows = []
    for name in names:
        cells = [_cell(found[kind].get(name), column, figure, sign) for found in sets.values()]
        known = [sign * found[kind][name][column][figure]["difference"] for found in sets.values()
                 if name in found[kind]]  # fmt: skip
        rows.append([name, *cells, f"{_signed(sum(known) / len(known))} ({len(known)})"])
    return table(["", *sets, "mean (sets)"], rows)


def _cell(own: Figures | None, column: str, figure: str, sign: int) -> str:
    if own is None:
        return ""
    value = own[column][figure]
    clear = value["low"] is not None and (value["low"] > 0 or value["high"] < 0)
    return f"{_signed(sign * value['difference'])}{'*' if clear else ''}"
