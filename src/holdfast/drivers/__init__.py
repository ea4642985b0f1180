"""Drivers: what moves a score, grouped by family and exit class, and put into words."""
