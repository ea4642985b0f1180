"""What one check came to."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import pandas as pd

Verdict = Literal["passed", "failed", "note", "not measured"]


@dataclass(frozen=True)
class Finding:
    """One line of the table.

    Parameters
    ----------
    point : str
        `data`, or the number of the point in the leakage suite.
    check : str
        What was looked at.
    verdict : {"passed", "failed", "note", "not measured"}
        A `note` is for the reader to judge.
    words : str
        The figures it rests on, and what to do.
    task : str
        Task whose model or labels were looked at; empty for the data as a whole.
    """

    point: str
    check: str
    verdict: Verdict
    words: str
    task: str = ""


def table_of(findings: Sequence[Finding]) -> pd.DataFrame:
    """The findings as `point, task, check, verdict, words`.

    Examples
    --------
    >>> table_of([Finding("5", "single features", "passed", "strongest .71")])["verdict"].tolist()
    ['passed']
    """
    columns = ["point", "task", "check", "verdict", "words"]
    return pd.DataFrame([asdict(finding) for finding in findings], columns=columns)


def judged(point: str, check: str, passed: bool, words: str, task: str = "") -> Finding:
    """A finding that either passed or failed."""
    return Finding(point, check, "passed" if passed else "failed", words, task)
