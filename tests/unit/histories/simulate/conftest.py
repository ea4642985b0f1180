import pandas as pd
import pytest

from holdfast.histories.simulate.world import World, simulate


@pytest.fixture(scope="session")
def world() -> World:
    return simulate(6000, months=24, seed=3)


@pytest.fixture(scope="session")
def frames(world: World) -> dict[str, pd.DataFrame]:
    return {name: table.to_pandas() for name, table in world.tables.items()}


@pytest.fixture(scope="session")
def truth(world: World) -> dict[str, pd.DataFrame]:
    return {name: table.to_pandas() for name, table in world.truth.items()}
