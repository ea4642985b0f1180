"""Buy till you die: how often, how long and for how much, from counts and dates of purchases alone."""
