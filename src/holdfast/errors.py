"""Named errors: each says what was expected, what came and what to do.

The command line turns every `HoldfastError` into one line and the exit code it carries:
2 for a wrong config or wrong usage, 1 for data that cannot serve.
"""


class HoldfastError(Exception):
    """Base of every error that holdfast raises on purpose."""

    exit_code = 1


class ConfigError(HoldfastError):
    """The config cannot be used: unknown key, wrong type, missing column, wrong usage."""

    exit_code = 2


class DataError(HoldfastError):
    """The data cannot serve the question: empty table, no positive label, too short a history."""


class LeakError(HoldfastError):
    """Something from at or after the cutoff would reach a feature, a model or a split."""


class ModelError(HoldfastError):
    """A stored model cannot be used with these features."""


class BusyError(HoldfastError):
    """Another run is writing into the same folder."""
