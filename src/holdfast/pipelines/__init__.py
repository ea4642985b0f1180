"""The road as stages: read, one library call, write."""
