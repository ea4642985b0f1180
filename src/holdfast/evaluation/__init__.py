"""How well we predict: ranking, calibration, profit, and intervals clustered by customer."""
