"""The laws of time through the command line: what cannot be known then moves nothing."""

from pathlib import Path

import pandas as pd
import pytest
from command_line import hashes, succeed, write_config
from small_shop import contracts, purchases, with_contracts, write_shop

RESULT = ("features*.parquet", "predictions/*")
ZONE = "Europe/London"
CUTOFF = pd.Timestamp("2024-01-20")


def shop(folder: Path, frame: pd.DataFrame | None = None, agreed: pd.DataFrame | None = None) -> Path:
    folder.mkdir()
    write_shop(folder, frame)
    (contracts() if agreed is None else agreed).to_csv(folder / "contracts.csv", index=False)
    content = with_contracts()
    content["source"]["timezone"] = ZONE
    write_config(folder / "holdfast.yaml", content)
    return folder


def run(folder: Path, *more: str) -> dict[str, str]:
    succeed(["run", "-c", "holdfast.yaml", "-o", "out", *more], folder)
    found = hashes(folder / "out", RESULT)
    assert len(found) == 2
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return run(shop(tmp_path_factory.mktemp("shop") / "plain"))


def test_a_row_dated_2099_moves_nothing_and_lies_in_quarantine(expected: dict[str, str], tmp_path: Path) -> None:
    stray = pd.DataFrame({"customer": ["k0001"], "day": [pd.Timestamp("2099-01-01 12:00")], "sum": [10.0]})
    folder = shop(tmp_path / "stray", pd.concat([purchases(), stray], ignore_index=True))
    assert run(folder) == expected
    refused = pd.read_parquet(folder / "out/quarantine/purchases.parquet")
    assert len(refused) == 1
    assert "2099" in str(refused.iloc[0].to_dict())


def test_naive_and_zoned_stamps_are_the_same_moment(expected: dict[str, str], tmp_path: Path) -> None:
    """Naive stamps are in the source's zone; every other row now says the same moment in New York's words."""
    frame = purchases()
    zoned = frame["day"].dt.tz_localize(ZONE, ambiguous=True, nonexistent="shift_forward")
    words = zoned.dt.tz_convert("America/New_York").map(lambda stamp: stamp.isoformat())
    mixed = frame.assign(day=words.where(frame.index % 2 == 0, frame["day"].astype(str)))
    assert run(shop(tmp_path / "zoned", mixed)) == expected


def test_an_end_after_the_cutoff_moves_nothing(tmp_path: Path) -> None:
    """Contracts in force on the scoring date get an end after it, as the newest data would say."""
    known = contracts()
    open_then = known["ended"].isna() | (known["ended"] >= CUTOFF)
    later = known.assign(ended=known["ended"].mask(open_then, CUTOFF + pd.Timedelta(days=9)),
                         why=known["why"].mask(open_then, "Price"))  # fmt: skip
    assert open_then.sum() > 20
    cut = ("--cutoff", f"{CUTOFF:%Y-%m-%d}")
    assert run(shop(tmp_path / "open"), *cut) == run(shop(tmp_path / "ended", agreed=later), *cut)


def test_rows_from_the_cutoff_on_move_nothing(tmp_path: Path) -> None:
    """A purchase exactly at the cutoff lies on the label side; dropping all from there on changes nothing."""
    frame = purchases()
    exactly = pd.DataFrame({"customer": ["k0001", "k0002"], "day": [CUTOFF, CUTOFF], "sum": [99.0, 99.0]})
    cut = ("--cutoff", f"{CUTOFF:%Y-%m-%d}")
    before = frame[frame["day"] < CUTOFF]
    beyond = pd.concat([before, exactly, frame[frame["day"] >= CUTOFF]], ignore_index=True)
    last = pd.DataFrame({"customer": ["k0003"], "day": [CUTOFF - pd.Timedelta(hours=1)], "sum": [5.0]})
    short, long = (pd.concat([rows, last], ignore_index=True) for rows in (before, beyond))
    assert run(shop(tmp_path / "short", short), *cut) == run(shop(tmp_path / "long", long), *cut)


def test_the_order_of_rows_and_columns_moves_nothing(expected: dict[str, str], tmp_path: Path) -> None:
    shuffled = purchases().sample(frac=1, random_state=5)[["sum", "customer", "day"]]
    assert run(shop(tmp_path / "shuffled", shuffled)) == expected
