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


def test_what_is_said_otherwise_or_out_of_time_moves_nothing(expected: dict[str, str], tmp_path: Path) -> None:
    """A row dated 2099, the same moments in another zone's words, rows and columns in another order.

    Naive stamps are in the source's zone; every other row now names the same moment as New York does.
    """
    frame = purchases()
    zoned = frame["day"].dt.tz_localize(ZONE, ambiguous=True, nonexistent="shift_forward")
    words = zoned.dt.tz_convert("America/New_York").map(lambda stamp: stamp.isoformat())
    mixed = frame.assign(day=words.where(frame.index % 2 == 0, frame["day"].astype(str)))
    stray = pd.DataFrame({"customer": ["k0001"], "day": ["2099-01-01 12:00:00"], "sum": [10.0]})
    both = pd.concat([mixed, stray], ignore_index=True).sample(frac=1, random_state=5)[["sum", "customer", "day"]]
    folder = shop(tmp_path / "otherwise", both)
    assert run(folder) == expected
    refused = pd.read_parquet(folder / "out/quarantine/purchases.parquet")
    assert len(refused) == 1
    assert "2099" in str(refused.iloc[0].to_dict())


def test_what_comes_at_or_after_the_cutoff_moves_nothing(tmp_path: Path) -> None:
    """A purchase exactly at the cutoff and all later ones; an end that a contract gets after the cutoff."""
    frame, known = purchases(), contracts()
    last = pd.DataFrame({"customer": ["k0003"], "day": [CUTOFF - pd.Timedelta(hours=1)], "sum": [5.0]})
    exactly = pd.DataFrame({"customer": ["k0001", "k0002"], "day": [CUTOFF, CUTOFF], "sum": [99.0, 99.0]})
    before = pd.concat([frame[frame["day"] < CUTOFF], last], ignore_index=True)
    beyond = pd.concat([before, exactly, frame[frame["day"] >= CUTOFF]], ignore_index=True)
    assert len(beyond) > len(before) + 20
    open_then = known["ended"].isna() | (known["ended"] >= CUTOFF)
    still = known.assign(ended=known["ended"].mask(open_then), why=known["why"].mask(open_then))
    later = known.assign(ended=known["ended"].mask(open_then, CUTOFF + pd.Timedelta(days=9)),
                         why=known["why"].mask(open_then, "Price"))  # fmt: skip
    assert open_then.sum() > 20
    cut = ("--cutoff", f"{CUTOFF:%Y-%m-%d}")
    assert run(shop(tmp_path / "then", before, still), *cut) == run(shop(tmp_path / "since", beyond, later), *cut)
