"""What unknown files hold: which canonical table each one is, and which column is which."""
