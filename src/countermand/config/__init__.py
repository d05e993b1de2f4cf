"""The set-up file `countermand.toml`: reading it, writing a first one, and taking over a changed one."""

from countermand.config.load import load
from countermand.config.model import FILE_NAME, SetUp
from countermand.config.problems import Problem, SetUpError

__all__ = ["FILE_NAME", "Problem", "SetUp", "SetUpError", "load"]
