"""The paper as one HTML file that asks nothing of the network."""

import base64
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it.tree import SyntaxTreeNode
from markupsafe import Markup

from xstilts.report.bibliography import Reference
from xstilts.report.figure import Figure
from xstilts.report.manuscript import Manuscript, pieces
from xstilts.report.table import Entry, Table
from xstilts.report.theme import RenderError
from xstilts.report.trace import Traces
from xstilts.report.webfont import embedded_fonts

_TAGS = {
    "paragraph": "p", "bullet_list": "ul", "ordered_list": "ol", "list_item": "li", "em": "em",
    "strong": "strong",
}  # fmt: skip


def render_html(manuscript: Manuscript, template: Path, traces: Traces) -> str:
    """Return the paper as HTML.

    Its one script sorts tables, enlarges figures and shows what is behind a number; without
    it the page lacks nothing else.

    Args:
        manuscript: what is printed.
        template: folder that holds paper.html.j2, paper.css and paper.js.
        traces: what is behind its numbers.

    Raises:
        RenderError: the manuscript uses Markdown that the paper has no form for.
    """
    writer = _Writer(manuscript, traces)
    environment = Environment(
        loader=FileSystemLoader(template), undefined=StrictUndefined, autoescape=True,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    sections = [
        {"id": f"sec-{section.id}", "number": section.number, "title": section.title,
         "appendix": section.appendix, "body": Markup(writer.blocks(section.blocks))}
        for section in manuscript.sections
    ]  # fmt: skip
    texts = [
        entry.text for _, table in manuscript.tables.values() for row in table.rows for entry in row
    ]
    script = (template / "paper.js").read_text(encoding="utf-8")
    return environment.get_template("paper.html.j2").render(
        title=manuscript.title,
        subtitle=manuscript.subtitle,
        abstract=Markup(writer.blocks(manuscript.abstract)),
        sections=sections,
        references=Markup(writer.references()),
        style=Markup((template / "paper.css").read_text(encoding="utf-8")),
        fonts=Markup(embedded_fonts("".join(texts))),
        script=Markup(script),
        script_digest=base64.b64encode(sha256(script.encode()).digest()).decode(),
        traces=Markup(_json_in_html(traces.as_json())),
    )


class _Writer:
    """Writes blocks and inline text of one manuscript."""

    def __init__(self, manuscript: Manuscript, traces: Traces) -> None:
        self.manuscript = manuscript
        self.used = manuscript.numbers.used
        self.traces = traces

    def blocks(self, nodes: Sequence[SyntaxTreeNode]) -> str:
        return "\n".join(self.block(node) for node in nodes)

    def block(self, node: SyntaxTreeNode) -> str:
        if node.type == "fence":
            return self.placed(node)
        if node.type == "heading":
            return f"<h3>{self.inline(node.children)}</h3>"
        if node.type == "inline":
            return self.inline(node.children)
        if node.type in _TAGS:
            tag = _TAGS[node.type]
            if node.type == "paragraph" and node.hidden:  # of a tight list
                return self.inline(node.children)
            inner = "".join(self.block(child) for child in node.children)
            return f"<{tag}>{inner}</{tag}>"
        raise RenderError(f"manuscript: no HTML for '{node.type}'")

    def inline(self, nodes: Sequence[SyntaxTreeNode]) -> str:
        return "".join(self.span(node) for node in nodes)

    def span(self, node: SyntaxTreeNode) -> str:
        match node.type:
            case "inline":
                return self.inline(node.children)
            case "text":
                return self.text(node.content)
            case "em" | "strong":
                return f"<{node.type}>{self.inline(node.children)}</{node.type}>"
            case "code_inline":
                return f"<code>{escape(node.content)}</code>"
            case "softbreak" | "hardbreak":
                return "\n"
            case "link":
                target = escape(str(node.attrs["href"]))
                return f'<a href="{target}">{self.inline(node.children)}</a>'
        raise RenderError(f"manuscript: no HTML for '{node.type}'")

    def text(self, content: str) -> str:
        parts = []
        for piece in pieces(content):
            match piece.kind:
                case "text":
                    parts.append(escape(piece.text, quote=False))
                case "number":
                    number = self.used[int(piece.target)]
                    parts.append(
                        f'<data data-n="{piece.target}" value="{escape(_value(number.value))}" '
                        f'title="{escape(number.source)}">{escape(piece.text)}</data>'
                    )
                case "cite":
                    cited = [self.reference(key) for key in piece.targets]
                    links = "; ".join(_cite(one, f"{one.names}, {one.year}") for one in cited)
                    parts.append(f"({links})")
                case "named":
                    one = self.reference(piece.targets[0])
                    parts.append(_cite(one, f"{one.names} ({one.year})"))
                case kind:
                    label = self.manuscript.label(kind, piece.target)
                    parts.append(f'<a href="#{kind}-{piece.target}">{label}</a>')
        return "".join(parts)

    def reference(self, key: str) -> Reference:
        return self.manuscript.references[key]

    def placed(self, node: SyntaxTreeNode) -> str:
        id = node.content.strip()
        if node.info == "figure":
            return _figure(*self.manuscript.figures[id])
        if node.info == "table":
            return _table(*self.manuscript.tables[id], self.traces)
        return f"<pre><code>{escape(node.content.rstrip())}</code></pre>"

    def references(self) -> str:
        return "\n".join(
            f'<li id="ref-{one.key}">{escape(one.listed_authors)}. {one.year}. '
            f'<a href="{escape(one.url)}">{escape(one.title)}</a>{one.stop} '
            f"{escape(one.venue)}.</li>"
            for one in self.manuscript.references.values()
        )


def _figure(number: int, figure: Figure) -> str:
    source = base64.b64encode(figure.svg.encode()).decode()
    provenance = json.dumps(figure.provenance, ensure_ascii=False, sort_keys=True, indent=1)
    links = _downloads(
        {
            f"{figure.id}.svg": ("image/svg+xml", figure.svg),
            f"{figure.id}.csv": ("text/csv", figure.csv),
            f"{figure.id}.json": ("application/json", provenance),
        }
    )
    size = "wide" if figure.wide else "narrow"
    return (
        f'<figure id="fig-{figure.id}" class="{size}">\n'
        f'<img src="data:image/svg+xml;base64,{source}" alt="{escape(figure.alt)}">\n'
        f"<figcaption><b>Figure {number}.</b> {escape(figure.caption)} {links}</figcaption>\n"
        "</figure>"
    )


def _table(number: int, table: Table, traces: Traces) -> str:
    links = _downloads({f"{table.id}.csv": ("text/csv", table.csv)})
    heads = "".join(
        f'<th scope="col"{_align(table, place)}>{escape(name)}</th>'
        for place, name in enumerate(table.columns)
    )
    body = []
    for place, row in enumerate(table.rows):
        if place in table.sections:
            heading, span = escape(table.sections[place]), len(table.columns)
            cell = f'<th colspan="{span}" scope="colgroup">{heading}</th>'
            body.append(f'<tr class="group">{cell}</tr>')
        cells = "".join(_entry(table, at, one, traces) for at, one in enumerate(row))
        body.append(f"<tr>{cells}</tr>")
    label = escape(f"Table {number}: {table.caption}")
    return (
        f'<figure id="tab-{table.id}" class="table">\n'
        f"<figcaption><b>Table {number}.</b> {escape(table.caption)} {links}</figcaption>\n"
        f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">\n'
        f"<table><thead><tr>{heads}</tr></thead>\n<tbody>\n{chr(10).join(body)}\n"
        "</tbody></table></div>\n</figure>"
    )


def _entry(table: Table, place: int, entry: Entry, traces: Traces) -> str:
    small = f" <small>{escape(entry.small)}</small>" if entry.small else ""
    text = escape(entry.text)
    if (at := traces.index.get(entry.number)) is not None:
        value = escape(_value(traces.value(entry.number)))
        text = f'<data data-n="{at}" value="{value}">{text}</data>'
    anchor = f' id="{escape(entry.anchor)}"' if entry.anchor else ""
    language = f' lang="{entry.language}"' if entry.language else ""
    tag, scope = ("th", ' scope="row"') if place < table.heads else ("td", "")
    return f"<{tag}{anchor}{scope}{language}{_align(table, place)}>{text}{small}</{tag}>"


def _align(table: Table, place: int) -> str:
    return "" if table.is_text(place) else ' class="n"'


def _downloads(files: Mapping[str, tuple[str, str]]) -> str:
    links = " ".join(
        f'<a download="{name}" href="data:{kind};charset=utf-8,{quote(content)}">'
        f"{name.rsplit('.', 1)[-1].upper()}</a>"
        for name, (kind, content) in files.items()
    )
    return f'<span class="files">{links}</span>'


def _json_in_html(value: Any) -> str:
    """Return JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _cite(reference: Reference, text: str) -> str:
    return f'<a class="cite" href="#ref-{reference.key}">{escape(text)}</a>'


def _value(value: float | int | str) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
