"""Where the manuscript lies, and what is printed beside it."""

from pathlib import Path

from xstilts.params import project_root


def paper_folder() -> Path:
    """Return the folder with manuscript, template and references.

    The project's own `paper/`; a project root without one (tests) uses this code's.
    """
    own = project_root() / "paper"
    return own if own.is_dir() else Path(__file__).resolve().parents[3] / "paper"
