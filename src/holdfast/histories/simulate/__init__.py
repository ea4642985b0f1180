"""A simulated firm with known truth: every canonical table, and why each customer left."""
