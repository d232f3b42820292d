"""The table of translations found without training, before and after intermediate tasks."""

import pandas as pd

from xstilts.params import CorpusSpec
from xstilts.report.evidence import Evidence, Tables, evidence_of, short_count
from xstilts.report.formats import UNDEFINED, write
from xstilts.report.languages import tongue
from xstilts.report.table import Entry, Table, entries
from xstilts.report.theme import ARMS

#: what the score of a corpus is, by kind: in the heading of its sections, and in the caption
_SCORES = {"translations": "percent found", "mining": "F1"}
_SAYS = {
    "translations": "Percent found: English sentences whose closest one, by cosine, is their "
    "translation. ",
    "mining": "F1, in percent: pairs of translations mined among sentences most of which have "
    "none, by the ratio of their cosine to those with their four closest, from the threshold on "
    "that is best for these very pairs, which makes it an upper bound. ",
}


def retrieval(analysis: Tables) -> Table | None:
    """Return retrieval by encoder and start, a section a corpus; None without a corpus.

    Means over the languages of the corpus, over those among them that the targets are scored
    in, and over seeds; never over corpora, whose scores are of two kinds.
    """
    evidence, table = evidence_of(analysis), analysis.retrievals
    if table.empty:
        return None
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    means, sizes = retrieval_means(evidence), _sizes(evidence)
    for corpus in table["corpus"].unique():
        for sample in ("whole", "part"):
            of_sample = means[(means["corpus"] == corpus) & (means["sample"] == sample)]
            sections[len(rows)] = _heading(evidence.corpora[corpus], sample)
            for model, size in sizes.items():
                for middle, arm in evidence.starts:
                    rows += _row(evidence, of_sample, size, (model, middle, arm))
    kinds = {evidence.corpora[corpus].kind for corpus in table["corpus"].unique()}
    return Table(
        "retrieval", "Translations found without training on the task. "
        f"{''.join(says for kind, says in _SAYS.items() if kind in kinds)}Of the token vectors of "
        "the last layer: their mean, and the first token’s. All: mean over the corpus’s "
        "languages; scored: over those in which the targets are scored.",
        ("Body", "Intermediate task", "Arm", "Mean, all", "Mean, scored", "First, all",
         "First, scored"),
        rows, means, heads=3, sections=sections,
    )  # fmt: skip


def _sizes(evidence: Evidence) -> dict[str, Entry]:
    """Return each encoder's label, those of studies beside this one by depth and study."""
    own = {model: Entry(size) for model, size in evidence.sizes.items()}
    once = evidence.tables.deeper.drop_duplicates("model").sort_values("body_params")
    return own | {
        row["model"]: Entry(
            short_count(row["body_params"]), f"{row['layers']} layers, study {row['study']}"
        )
        for row in once.to_dict("records")
    }


def _heading(spec: CorpusSpec, sample: str) -> str:
    """Return the corpus, its language if it has one alone, the score, and how many sentences."""
    most = spec.sentences if sample == "whole" else spec.after_training
    of = "language" if spec.kind == "translations" else "side"
    many = f"up to {write(most, 'count')} sentences a {of}" if most else "all sentences"
    alone = f", {tongue(*spec.languages).name}" if len(spec.languages) == 1 else ""
    return f"{spec.title}{alone}: {_SCORES[spec.kind]}, {many}"


def retrieval_means(evidence: Evidence) -> pd.DataFrame:
    """Return model, intermediate, arm, corpus, sample, pooling, all, scored, measure."""
    own, deeper = evidence.tables.retrievals, evidence.tables.deeper
    deeper = deeper[deeper["corpus"].isin(list(evidence.corpora))]
    table = pd.concat([own, deeper[own.columns]], ignore_index=True) if len(deeper) else own
    languages = {code for task in evidence.targets for code in evidence.tasks[task].test_languages}
    keys = ["model", "intermediate", "arm", "corpus", "sample", "pooling"]
    scored = table[table["language"].isin(languages)]
    means = pd.DataFrame({
        "all": table.groupby(keys)["score"].mean(), "scored": scored.groupby(keys)["score"].mean(),
    })  # fmt: skip
    measures = {name: _SCORES[spec.kind] for name, spec in evidence.corpora.items()}
    return means.reset_index().assign(measure=lambda found: found["corpus"].map(measures))


def _row(
    evidence: Evidence, means: pd.DataFrame, size: Entry, start: tuple[str, str, str]
) -> list[list[Entry]]:
    """Return the row of an encoder, in a list; none where it was not measured."""
    model, middle, arm = start
    chosen = means[
        (means["model"] == model) & (means["intermediate"] == middle) & (means["arm"] == arm)
    ].set_index("pooling")
    if chosen.empty:
        return []
    of = {name: str(chosen[name].iloc[0]) for name in ("corpus", "sample")}
    cells = [
        UNDEFINED if pd.isna(chosen.loc[pooling, group])
        else Entry(write(float(chosen.loc[pooling, group]), "percent"),
                   number=retrieval_key(start, of["corpus"], of["sample"], pooling, group))
        for pooling in ("mean", "first")
        for group in ("all", "scored")
    ]  # fmt: skip
    label = "" if arm == "none" else ARMS[arm].label
    return [entries(size, evidence.labels[middle], label, *cells)]


def retrieval_key(
    start: tuple[str, str, str], corpus: str, sample: str, pooling: str, group: str
) -> str:
    """Return the key of a number of the table: `start` is model, intermediate task and arm."""
    return "/".join(["retrievals", *start, corpus, sample, pooling, group])
