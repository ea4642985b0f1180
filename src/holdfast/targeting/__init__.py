"""Whom to keep and how: customer x offer under budget, capacity and consent."""
