"""The one reader of YAML: a config file into a checked, frozen `Config`."""

from holdfast.params.config import Config, load_config

__all__ = ["Config", "load_config"]
