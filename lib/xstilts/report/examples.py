"""Items to read: one of each generated target task, in every language."""

import pandas as pd

from xstilts.params.source import MiniatureSource
from xstilts.report.evidence import Tables, evidence_of
from xstilts.report.languages import ordered, tongue
from xstilts.report.table import Entry, Table


def examples(analysis: Tables, stage: str = "target") -> Table | None:
    """Return the first test item of each generated task; None if nothing is generated.

    `stage` chooses the targets or the intermediate tasks.

    Texts of official sets are never shown: only what the generator makes anew.
    """
    from xstilts.tasks.miniature import read_miniature  # tasks bring scikit-learn

    evidence = evidence_of(analysis)
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    shown = []
    chosen = evidence.targets if stage == "target" else evidence.intermediates
    for target in chosen:
        spec = evidence.tasks[target]
        if not isinstance(spec.source, MiniatureSource):
            continue
        languages = ordered(set(spec.test_languages))
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
    part = "target" if stage == "target" else "intermediate task"
    return Table(
        "examples" if stage == "target" else "intermediate_examples",
        f"The first test item of each {part}, in every language.",
        ("Language", "First text", "Second text"), rows, pd.concat(shown, ignore_index=True),
        words=frozenset({1, 2}), prose=frozenset({1, 2}), sections=sections,
    )  # fmt: skip
