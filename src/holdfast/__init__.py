"""From raw customer histories to a scored retention list."""
