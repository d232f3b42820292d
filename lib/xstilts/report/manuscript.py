"""The manuscript: one Markdown source with generated numbers, read into parts that both forms use.

The source is a small Markdown: headings, paragraphs, lists, emphasis, code, links; beside it
`[@key]` and `@key` cite the bibliography, `@fig:id`, `@tab:id`, `@sec:id` refer, and a fenced
block named `figure` or `table` places one. Numbers enter by `{{ num("...") }}` only.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from xstilts.errors import nearest
from xstilts.report.bibliography import Reference
from xstilts.report.evidence import Evidence
from xstilts.report.figure import Figure
from xstilts.report.numbers import CLOSE, OPEN, SPLIT, Numbers
from xstilts.report.table import Table
from xstilts.report.theme import RenderError
from xstilts.report.wording import Wording

T = TypeVar("T", Figure, Table)
#: in one expression: a marked number, [@key; @key], @kind:id, @key
_PIECES = re.compile(
    f"{OPEN}(?P<number>\\d+){SPLIT}(?P<text>[^{CLOSE}]*){CLOSE}"
    r"|\[@(?P<cited>[^\]]+)\]"
    r"|@(?P<kind>fig|tab|sec):(?P<id>[a-z_]+)"
    r"|@(?P<named>[a-z]+\d{4}[a-z]?)\b"
)
_SPECIAL = re.compile(r"([\\`*_\[\]<>#@{}])")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text: plain, a traced number, a citation or a reference.

    `kind` is "text", "number" (index into `Numbers.used` in `target`), "cite" or "named"
    (keys in `targets`), "fig", "tab" or "sec" (id in `target`).
    """

    kind: str
    text: str = ""
    target: str = ""
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A numbered section; `id` is the name of its file without number and endings."""

    id: str
    number: str
    title: str
    blocks: Sequence[SyntaxTreeNode]

    @property
    def appendix(self) -> bool:
        return self.number.isalpha()


@dataclass(frozen=True)
class Manuscript:
    """Everything that both forms of the paper print, in order."""

    title: str
    subtitle: str
    abstract: Sequence[SyntaxTreeNode]
    sections: Sequence[Section]
    figures: Mapping[str, tuple[int, Figure]]
    tables: Mapping[str, tuple[int, Table]]
    references: Mapping[str, Reference]
    numbers: Numbers

    def label(self, kind: str, id: str) -> str:
        """Return "Figure 2", "Table 1" or "Section 4" for a reference.

        Raises:
            RenderError: the paper has none of that id.
        """
        if kind == "sec":
            numbers = {section.id: section.number for section in self.sections}
            if id in numbers:
                return f"{'Appendix' if numbers[id].isalpha() else 'Section'} {numbers[id]}"
            raise RenderError(f"manuscript: section '{id}' is unknown.{nearest(id, numbers)}")
        placed = self.figures if kind == "fig" else self.tables
        if id not in placed:
            raise RenderError(f"manuscript: '{kind}:{id}' is not placed.{nearest(id, placed)}")
        return f"{'Figure' if kind == 'fig' else 'Table'} {placed[id][0]}"


def read_manuscript(
    folder: Path,
    evidence: Evidence,
    numbers: Numbers,
    figures: Mapping[str, Figure],
    tables: Mapping[str, Table],
    library: Mapping[str, Reference],
) -> Manuscript:
    """Return the manuscript in `folder` (NN_name.md.j2, in order) about a study.

    `00_abstract` has no heading; files from `90_` on are the appendix. References, figures
    and tables that the text does not name are left out.

    Raises:
        RenderError: a number, figure, table, section or reference is unknown, or a template
            is broken.
    """
    parsed = dict(_parsed(folder, evidence, numbers, figures, tables))
    abstract = parsed.pop("00_abstract")
    sections = _sections(parsed)
    trees = [*abstract, *(block for section in sections for block in section.blocks)]
    placed_figures = _placed("figure", trees, figures)
    placed_tables = _placed("table", trees, tables)
    cited = _cited(trees, library)
    manuscript = Manuscript(
        evidence.spec.title, f"Study “{evidence.name}”, computed and typeset by xstilts",
        abstract, sections, placed_figures, placed_tables, cited, numbers,
    )  # fmt: skip
    for piece in _all_pieces(trees):
        if piece.kind in ("fig", "tab", "sec"):
            manuscript.label(piece.kind, piece.target)
    return manuscript


def pieces(text: str) -> Iterator[Piece]:
    """Yield what a stretch of text is made of."""
    place = 0
    for match in _PIECES.finditer(text):
        if match.start() > place:
            yield Piece("text", text[place : match.start()])
        place = match.end()
        if match["number"]:
            yield Piece("number", match["text"], match["number"])
        elif match["cited"]:
            keys = tuple(key.strip().lstrip("@") for key in match["cited"].split(";"))
            yield Piece("cite", targets=keys)
        elif match["kind"]:
            yield Piece(match["kind"], target=match["id"])
        else:
            yield Piece("named", targets=(match["named"],))
    if place < len(text):
        yield Piece("text", text[place:])


def escaped(text: str) -> str:
    """Return text from a parameter file so that Markdown prints it as it is."""
    return _SPECIAL.sub(r"\\\1", text)


def _parsed(
    folder: Path,
    evidence: Evidence,
    numbers: Numbers,
    figures: Mapping[str, Figure],
    tables: Mapping[str, Table],
) -> Iterator[tuple[str, list[SyntaxTreeNode]]]:
    paths = sorted(folder.glob("*.md.j2"))
    if not paths:
        raise RenderError(f"{folder}: no manuscript (*.md.j2)")
    # The output is Markdown; what it holds is escaped when HTML is written.
    environment = Environment(
        loader=FileSystemLoader(folder), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, autoescape=False,
    )  # fmt: skip
    environment.filters["md"] = escaped
    say = Wording(evidence, numbers)
    names = {"num": numbers, "say": say, "study": evidence, "figures": figures, "tables": tables}
    parser = MarkdownIt("commonmark", {"html": False})
    for path in paths:
        try:
            text = environment.get_template(path.name).render(names)
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            raise RenderError(f"{path}{f':{line}' if line else ''}: {error}") from None
        yield path.name.removesuffix(".md.j2"), SyntaxTreeNode(parser.parse(text)).children


def _sections(parsed: Mapping[str, list[SyntaxTreeNode]]) -> list[Section]:
    sections = []
    main, appendix = 0, 0
    for name, blocks in parsed.items():
        order, _, id = name.partition("_")
        if not blocks:  # a section that this study does not need
            continue
        if blocks[0].type != "heading":
            raise RenderError(f"manuscript: {name}.md.j2 does not begin with a heading")
        if int(order) >= 90:
            number = chr(ord("A") + appendix)
            appendix += 1
        else:
            main += 1
            number = str(main)
        title = blocks[0].children[0].content
        sections.append(Section(id, number, title, blocks[1:]))
    return sections


def _placed(
    kind: str, trees: Sequence[SyntaxTreeNode], known: Mapping[str, T]
) -> dict[str, tuple[int, T]]:
    placed: dict[str, tuple[int, T]] = {}
    for block in trees:
        if block.type == "fence" and block.info == kind:
            id = block.content.strip()
            if id not in known:
                raise RenderError(f"manuscript: {kind} '{id}' is unknown.{nearest(id, known)}")
            placed[id] = (len(placed) + 1, known[id])
    return placed


def _cited(
    trees: Sequence[SyntaxTreeNode], library: Mapping[str, Reference]
) -> dict[str, Reference]:
    keys = {key for piece in _all_pieces(trees) for key in piece.targets}
    for key in sorted(keys):
        if key not in library:
            raise RenderError(f"manuscript: reference '{key}' is unknown.{nearest(key, library)}")
    chosen = [library[key] for key in keys]
    chosen.sort(key=lambda one: (one.authors[0][0], one.year, one.title))
    return {reference.key: reference for reference in chosen}


def _all_pieces(trees: Sequence[SyntaxTreeNode]) -> Iterator[Piece]:
    for tree in trees:
        for node in tree.walk():
            if node.type == "text":
                yield from pieces(node.content)
