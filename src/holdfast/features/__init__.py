"""What is known about a customer at a cutoff: point-in-time features in one text of SQL."""
