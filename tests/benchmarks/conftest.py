"""The benchmarks are no installed package: they are imported from the root of the project."""

import sys
from pathlib import Path

from encoders.conftest import hub_folder

sys.path.append(str(Path(__file__).parents[2]))

__all__ = ["hub_folder"]
