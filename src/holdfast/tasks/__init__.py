"""What we ask: a task is a cohort and a label, side by side."""
