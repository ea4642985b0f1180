"""What happened: time-stamped tables, where they come from and what of them was known at a cutoff."""
