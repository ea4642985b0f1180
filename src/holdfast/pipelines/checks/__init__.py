"""`holdfast check`: the data contract and the leakage suite on the user's own data."""
