"""The literature: references.bib read, cited by author and year, listed by author."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xstilts.report.theme import RenderError

_ENTRY = re.compile(r"@(\w+)\{([^,\s]+),(.*?)\n\}", re.DOTALL)
_FIELD = re.compile(r"^\s*(\w+)\s*=\s*\{(.*?)\}\s*,?\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of the bibliography; `authors` are surname and given names, in order."""

    key: str
    authors: tuple[tuple[str, str], ...]
    year: str
    title: str
    venue: str
    url: str

    @property
    def names(self) -> str:
        """Return "Phang et al.", "Parikh and Uszkoreit", "Ruder"."""
        surnames = [surname for surname, _ in self.authors]
        if len(surnames) > 2:
            return f"{surnames[0]} et al."
        return " and ".join(surnames)

    @property
    def stop(self) -> str:
        """Return what ends the title in the list of references."""
        return "" if self.title.endswith(("?", "!")) else "."

    @property
    def listed_authors(self) -> str:
        """Return all authors for the list of references; a long list ends in "et al" (no stop)."""
        shown = [f"{given} {surname}".strip() for surname, given in self.authors[:8]]
        if len(self.authors) > 8:
            return ", ".join(shown) + " et al"
        return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]


def read_bibliography(path: Path) -> dict[str, Reference]:
    """Return the references of a .bib file by key; one field a line, values in braces.

    Raises:
        RenderError: the file is missing, or an entry lacks author, title, year or venue.
    """
    if not path.is_file():
        raise RenderError(f"{path}: file not found")
    references = {}
    for _, key, body in _ENTRY.findall(path.read_text(encoding="utf-8")):
        fields = {name.lower(): value for name, value in _FIELD.findall(body)}
        references[key] = _reference(key, fields, path)
    return references


def _reference(key: str, fields: Mapping[str, str], path: Path) -> Reference:
    venue = fields.get("booktitle") or fields.get("journal") or fields.get("howpublished", "")
    missing = [name for name in ("author", "title", "year") if name not in fields]
    if missing or not venue:
        raise RenderError(f"{path}: entry '{key}' lacks {', '.join(missing or ['booktitle'])}")
    authors = tuple(_author(name) for name in fields["author"].split(" and "))
    title = fields["title"].replace("{", "").replace("}", "")
    eprint = fields.get("eprint")
    url = fields.get("url", f"https://arxiv.org/abs/{eprint}" if eprint else "")
    return Reference(key, authors, fields["year"], title, venue, url)


def _author(name: str) -> tuple[str, str]:
    surname, _, given = name.partition(", ")
    return surname.strip(), given.strip()
