"""The paper as a two-column, tagged PDF, set by typst."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import typst
from markdown_it.tree import SyntaxTreeNode

from xstilts.report.bibliography import Reference
from xstilts.report.figure import Figure
from xstilts.report.manuscript import Manuscript, Section, pieces
from xstilts.report.table import Entry, Table
from xstilts.report.theme import FONTS, RenderError, font_files
from xstilts.report.trace import Traces

#: columns of which a table has no width for heads in one line
_MANY = 7
#: part of the file, so that the same paper gives the same bytes
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def render_pdf(manuscript: Manuscript, template: Path, figures: Path, traces: Traces) -> bytes:
    """Return the paper as PDF/UA-1.

    Args:
        manuscript: what is printed.
        template: folder that holds paper.typ.
        figures: folder with <id>.svg of every figure placed.
        traces: what is behind the numbers; a number leads to the row of its runs.

    Raises:
        RenderError: typst fails or warns, or the manuscript uses Markdown without a form.
    """
    source = typst_source(manuscript, template, traces)
    try:
        document, warnings = typst.compile_with_warnings(
            source.encode(), root=figures, ignore_system_fonts=True,
            font_paths=sorted({str(path.parent) for path in font_files()}),
            format="pdf", pdf_standards=["ua-1"], timestamp=_EPOCH,
        )  # fmt: skip
    except typst.TypstError as error:
        raise RenderError(f"PDF: {error.message} {' '.join(error.hints)}".strip()) from None
    if warnings:
        raise RenderError(f"PDF: {warnings[0].message}")
    return bytes(document)


def typst_source(manuscript: Manuscript, template: Path, traces: Traces) -> str:
    """Return the document in typst's language."""
    writer = _Writer(manuscript, traces)
    main = [section for section in manuscript.sections if not section.appendix]
    appendix = [section for section in manuscript.sections if section.appendix]
    fonts = ", ".join(_string(family) for family in FONTS.values())
    abstract = writer.blocks(manuscript.abstract)
    parts = [
        (template / "paper.typ").read_text(encoding="utf-8"),
        f"#show: paper.with(title: {_string(manuscript.title)}, "
        f"subtitle: {_string(manuscript.subtitle)}, fonts: ({fonts},), abstract: [{abstract}])",
        *(writer.section(section) for section in main),
        "#heading(level: 1)[References]",
        *(_listed(reference) for reference in manuscript.references.values()),
    ]
    if appendix:
        parts += ["#show: appendix", *(writer.section(section) for section in appendix)]
    return "\n\n".join(parts) + "\n"


class _Writer:
    """Writes blocks and inline text of one manuscript."""

    def __init__(self, manuscript: Manuscript, traces: Traces) -> None:
        self.manuscript = manuscript
        self.traces = traces

    def section(self, section: Section) -> str:
        title = _text(f"{section.number}  {section.title}")
        heading = f"#heading(level: 1)[{title}] <sec-{section.id}>"
        return f"{heading}\n\n{self.blocks(section.blocks, wide=section.appendix)}"

    def blocks(self, nodes: Sequence[SyntaxTreeNode], *, wide: bool = False) -> str:
        return "\n\n".join(self.block(node, wide=wide) for node in nodes)

    def block(self, node: SyntaxTreeNode, *, wide: bool = False) -> str:
        match node.type:
            case "fence":
                return self.placed(node, wide=wide)
            case "heading":
                return f"#heading(level: 2)[{self.inline(node.children)}]"
            case "paragraph" | "inline":
                return self.inline(node.children)
            case "bullet_list" | "ordered_list":
                # An item that breaks over columns makes typst write a list that is not PDF/UA.
                items = ", ".join(
                    f"block(breakable: false)[{self.blocks(item.children)}]"
                    for item in node.children
                )
                return f"#{'list' if node.type == 'bullet_list' else 'enum'}({items})"
        raise RenderError(f"manuscript: no PDF form for '{node.type}'")

    def inline(self, nodes: Sequence[SyntaxTreeNode]) -> str:
        return "".join(self.span(node) for node in nodes)

    def span(self, node: SyntaxTreeNode) -> str:
        match node.type:
            case "inline":
                return self.inline(node.children)
            case "text":
                return self.text(node.content)
            case "em":
                return f"#emph[{self.inline(node.children)}]"
            case "strong":
                return f"#strong[{self.inline(node.children)}]"
            case "code_inline":
                return f"#raw({_string(node.content)});"
            case "softbreak" | "hardbreak":
                return "\n"
            case "link":
                return f"#link({_string(str(node.attrs['href']))})[{self.inline(node.children)}]"
        raise RenderError(f"manuscript: no PDF form for '{node.type}'")

    def text(self, content: str) -> str:
        parts = []
        for piece in pieces(content):
            match piece.kind:
                case "text":
                    parts.append(_text(piece.text))
                case "number":
                    number = self.manuscript.numbers.used[int(piece.target)]
                    parts.append(_traced(_text(piece.text), self.traces.anchor(number.key)))
                case "cite":
                    cited = [self.manuscript.references[key] for key in piece.targets]
                    links = _text("; ").join(_cite(o, f"{o.names}, {o.year}") for o in cited)
                    parts.append(f"{_text('(')}{links}{_text(')')}")
                case "named":
                    one = self.manuscript.references[piece.targets[0]]
                    parts.append(_cite(one, f"{one.names} ({one.year})"))
                case kind:
                    label = self.manuscript.label(kind, piece.target)
                    parts.append(f"#link(<{kind}-{piece.target}>)[{_text(label)}]")
        return "".join(parts)

    def placed(self, node: SyntaxTreeNode, *, wide: bool) -> str:
        id = node.content.strip()
        if node.info == "figure":
            return _figure(*self.manuscript.figures[id], flow=wide)
        if node.info == "table":
            return _table(*self.manuscript.tables[id], self.traces, flow=wide)
        return f"#raw(block: true, {_string(node.content.rstrip())})"


def _figure(number: int, figure: Figure, *, flow: bool) -> str:
    """Return a figure; `flow` sets it where it stands, else it floats over its columns."""
    width = "100%" if figure.wide or not flow else "50%"
    body = f"image({_string(f'{figure.id}.svg')}, alt: {_string(figure.alt)}, width: {width})"
    return (
        f"#float({body}, [{_caption('Figure', number, figure.caption)}], "
        f"wide: {_bool(figure.wide)}, flow: {_bool(flow)}) <fig-{figure.id}>"
    )


def _table(number: int, table: Table, traces: Traces, *, flow: bool) -> str:
    columns = len(table.columns)
    heads = ", ".join(
        f"[{_head(name, broken=columns > _MANY and not table.is_text(at))}]"
        for at, name in enumerate(table.columns)
    )
    lines = []
    for place, row in enumerate(table.rows):
        if place in table.sections:
            lines.append(f"group({columns}, [{_text(table.sections[place])}]),")
        lines.append(", ".join(_entry(one, traces) for one in row) + ",")
    align = ", ".join("left" if table.is_text(at) else "right" for at in range(columns))
    widths = ", ".join("1fr" if at in table.prose else "auto" for at in range(columns))
    body = (
        f"data(({widths},), ({align},), ({heads},),\n" + "\n".join(lines) + "\n)"
    )  # fmt: skip
    return (
        f"#float(kind: table, {body}, [{_caption('Table', number, table.caption)}], "
        f"wide: {_bool(table.wide)}, flow: {_bool(flow)}) <tab-{table.id}>"
    )


def _head(name: str, *, broken: bool) -> str:
    """Return a column's head; broken, it has a word a line, so that cells set the widths."""
    return "#linebreak()".join(map(_text, name.split(" "))) if broken else _text(name)


def _entry(entry: Entry, traces: Traces) -> str:
    small = f"#h(0.25em)#small[{_text(entry.small)}]" if entry.small else ""
    text = _text(entry.text)
    if entry.language:
        text = f"#text(lang: {_string(entry.language)})[{text}]"
    if entry.number in traces.index:
        text = _traced(text, traces.anchor(entry.number))
    anchor = f"#metadata(none)#label({_string(entry.anchor)})" if entry.anchor else ""
    return f"[{anchor}{text}{small}]"


def _traced(text: str, anchor: str) -> str:
    """Return a number that leads to the row of its runs, and looks as if it did not."""
    return f"#traced({_string(anchor)})[{text}]" if anchor else text


def _caption(kind: str, number: int, text: str) -> str:
    return f"#strong[{_text(f'{kind} {number}.')}] {_text(text)}"


def _listed(reference: Reference) -> str:
    title = f"#link({_string(reference.url)})[{_text(reference.title)}]"
    text = f"{_text(f'{reference.listed_authors}. {reference.year}. ')}{title}"
    return (
        f"#reference[{text}{_text(f'{reference.stop} {reference.venue}.')}] <ref-{reference.key}>"
    )


def _cite(reference: Reference, text: str) -> str:
    return f"#link(<ref-{reference.key}>)[{_text(text)}]"


def _text(text: str) -> str:
    """Return text as a string expression, in which nothing is markup."""
    return f"#{_string(text)};" if text else ""


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _bool(value: bool) -> str:
    return "true" if value else "false"
