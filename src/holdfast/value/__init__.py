"""Value: what a customer is worth, and what is lost when one falls silent."""
