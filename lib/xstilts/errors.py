"""What can go wrong, by cause; each class carries the exit code of the command line.

XstiltsError        1  a cell failed
├── SpecError       2  a parameter file or a notebook parameter is wrong
├── DataError       2  an input file is missing or broken
├── EncoderError    2  weights cannot be had or do not fit what was asked
├── RenderError     1  the report names something that is not there (report/theme.py)
├── ResourceError   4  the study cannot fit this device
├── BusyError       5  another process computes the same study
└── StoppedError  143  a signal asked to stop; the run goes on from there
"""

import difflib
from collections.abc import Iterable


class XstiltsError(Exception):
    """Base of every error that is told to the user in one line."""

    exit_code = 1


class SpecError(XstiltsError):
    exit_code = 2


class DataError(XstiltsError):
    exit_code = 2


class EncoderError(XstiltsError):
    exit_code = 2


class ResourceError(XstiltsError):
    exit_code = 4


class BusyError(XstiltsError):
    exit_code = 5


class StoppedError(XstiltsError):
    exit_code = 143


def nearest(found: object, allowed: Iterable[object]) -> str:
    """Return " Did you mean 'x'?" for the allowed name closest to `found`, or ""."""
    names = [str(name) for name in allowed]
    close = difflib.get_close_matches(str(found), names, n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""


def unknown(what: str, found: object, allowed: Iterable[object], where: str) -> str:
    """Return the one line for a name that is not among the allowed ones."""
    names = sorted(str(name) for name in allowed)
    listed = ", ".join(names) if names else "nothing"
    return f"{where}: {what} '{found}' is unknown; allowed: {listed}.{nearest(found, names)}"
