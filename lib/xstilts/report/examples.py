"""Items to read: one of each generated target task, in every language."""

import pandas as pd

from xstilts.params.spec import MiniatureSource
from xstilts.report.evidence import Tables, evidence_of
from xstilts.report.languages import tongue
from xstilts.report.table import Entry, Table


def examples(analysis: Tables) -> Table | None:
    """Return the first test item of each generated target; None if nothing is generated.

    Texts of official sets are never shown: only what the generator makes anew.
    """
    from xstilts.tasks.miniature import read_miniature  # tasks bring scikit-learn

    evidence = evidence_of(analysis)
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    shown = []
    for target in evidence.targets:
        spec = evidence.tasks[target]
        if not isinstance(spec.source, MiniatureSource):
            continue
        languages = evidence.languages(target)
        items = read_miniature(target, spec, spec.source, "test", languages, 1)
        label = spec.labels[int(items["label"].iloc[0])]
        sections[len(rows)] = f"{spec.title}: {label}"
        for row in items.to_dict("records"):
            code = row["language"]
            texts = [Entry(row[side], language=code) for side in ("text_a", "text_b")]
            rows.append([Entry(tongue(code).name), *texts])
        shown.append(items[["language", "text_a", "text_b"]].assign(task=target, label=label))
    if not rows:
        return None
    return Table(
        "examples", "The first test item of each target, in every language.",
        ("Language", "First text", "Second text"), rows, pd.concat(shown, ignore_index=True),
        words=frozenset({1, 2}), prose=frozenset({1, 2}), sections=sections,
    )  # fmt: skip
