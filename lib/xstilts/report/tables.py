"""The tables of results: main, by language, floors, hypotheses."""

from collections.abc import Mapping
from typing import Any

from xstilts.report.batches import batch_table
from xstilts.report.budget_tables import budget_pairs, budgets, control
from xstilts.report.crosscheck_table import crosschecks
from xstilts.report.evidence import GROUPS, Evidence, Tables, evidence_of
from xstilts.report.examples import examples
from xstilts.report.fit_table import fits
from xstilts.report.formats import UNDEFINED, interval, write
from xstilts.report.languages import ordered
from xstilts.report.method_tables import audit, costs, encoders, tasks
from xstilts.report.miniature_tables import operators, shortcuts
from xstilts.report.numbers import gain_key, score_key
from xstilts.report.powers import powers
from xstilts.report.retrieval_table import retrieval
from xstilts.report.runs_table import runs
from xstilts.report.simulation_table import simulation
from xstilts.report.table import Entry, Table, entries
from xstilts.report.theme import ARMS
from xstilts.report.transfer_gap import transfer_gaps
from xstilts.report.uncollapsed_table import uncollapsed

__all__ = [
    "all_tables",
    "audit",
    "batch_table",
    "budget_pairs",
    "budgets",
    "claims",
    "control",
    "costs",
    "crosschecks",
    "encoders",
    "examples",
    "fits",
    "floors",
    "hypotheses",
    "languages",
    "main_results",
    "operators",
    "powers",
    "retrieval",
    "runs",
    "shortcuts",
    "simulation",
    "tasks",
    "transfer_gaps",
    "uncollapsed",
]

_Row = Mapping[str, Any]


def main_results(analysis: Tables) -> Table:
    """Return accuracy on English and the other languages, and the gain on the latter.

    A row a target, model, intermediate task and arm; gains in points and as share of the
    errors removed, over arm `none` of the same model.
    """
    evidence = evidence_of(analysis)
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    scores, gains = _indexed(evidence)
    for target in evidence.targets:
        sections[len(rows)] = evidence.title(target)
        for model in evidence.models:
            for middle, arm in evidence.starts:
                rows.append(_main_row(evidence, scores, gains, (target, model, middle, arm)))
    wanted = analysis.scores[analysis.scores["group"].isin(["en", "other"])]
    intervals = "" if evidence.one_seed else f" In brackets: {_level(evidence)} intervals."
    same = " Star: intermediate task and target teach the same skill." * bool(
        evidence.pairs("same")
    )
    return Table(
        "main", "Accuracy in percent on English and on the mean of the other languages, and what "
        "the intermediate task adds on the latter, in points and as the share of the errors of "
        f"arm none that it removes.{intervals}{same}",
        ("Body", "Intermediate task", "Arm", "English", "Other languages", "Gain, points",
         "Errors removed, %"),
        rows, wanted, heads=3, sections=sections,
    )  # fmt: skip


def _main_row(
    evidence: Evidence,
    scores: Mapping[tuple[str, ...], _Row],
    gains: Mapping[tuple[str, ...], _Row],
    key: tuple[str, str, str, str],
) -> list[Entry]:
    target, model, middle, arm = key
    points, removed = (
        gains.get((target, model, middle, f"{arm}-none", unit, "other"))
        for unit in ("points", "error_reduction")
    )
    return entries(
        evidence.sizes[model], evidence.labels[middle] + _mark(evidence, middle, target),
        _arm(arm), *(
            _cell(scores.get((*key, group)), "score", "percent",
                  score_key(model, middle, arm, target, group))
            for group in ("en", "other")
        ),
        *(
            _cell(row, "estimate", unit, gain_key(model, (middle, target), f"{arm}-none", unit))
            for row, unit in ((points, "points"), (removed, "error_reduction"))
        ),
    )  # fmt: skip


def languages(analysis: Tables) -> Table:
    """Return accuracy by language; languages without score in a target are blank."""
    evidence = evidence_of(analysis)
    codes = ordered({code for target in evidence.targets for code in evidence.languages(target)})
    scores, _ = _indexed(evidence)
    rows: list[list[Entry]] = []
    sections: dict[int, str] = {}
    for target in evidence.targets:
        sections[len(rows)] = evidence.title(target)
        for model, size in evidence.sizes.items():
            for middle, arm in evidence.starts:
                cells = [
                    Entry(write(row["score"], "percent"),
                          number=score_key(model, middle, arm, target, code))
                    if (row := scores.get((target, model, middle, arm, code))) else ""
                    for code in codes
                ]  # fmt: skip
                rows.append(entries(size, evidence.labels[middle], _arm(arm), *cells))
    single = analysis.scores[~analysis.scores["group"].isin(set(GROUPS) - {"en"})]
    return Table(
        "languages", "Accuracy in percent by language.",
        ("Body", "Intermediate task", "Arm", *codes), rows, single, heads=3, sections=sections,
    )  # fmt: skip


def floors(analysis: Tables) -> Table:
    """Return what can be had without understanding, by language."""
    evidence = evidence_of(analysis)
    table = analysis.baselines
    known = {(row["task"], row["baseline"], row["language"]): row["score"]
             for row in table.to_dict("records")}  # fmt: skip
    codes = ordered({code for target in evidence.targets for code in evidence.languages(target)})
    names = [name for name in ("majority", "overlap") if name in set(table["baseline"])]
    rows = []
    for target in evidence.targets:
        for name in names:
            cells = [
                "" if (value := known.get((target, name, code))) is None
                else Entry(write(value, "percent"), number=f"baselines/{target}/{code}/{name}")
                for code in codes
            ]  # fmt: skip
            rows.append(entries(evidence.title(target), name, *cells))
    return Table(
        "floors", "Floors, accuracy in percent: the best constant answer (majority), and a "
        "logistic regression on the overlap of words and of neighbouring words and on length, "
        "fitted on English items (overlap).",
        ("Target", "Floor", *codes), rows, table, heads=2,
    )  # fmt: skip


def hypotheses(analysis: Tables) -> Table:
    """Return the hypotheses declared before the run, with estimate, probability and verdict."""
    evidence = evidence_of(analysis)
    rows = [
        entries(
            row["says"],
            f"{contrast_words(row['contrast'])}, {quantity_words(row)}{_of_target(evidence, row)}",
            _cell(row, "estimate", row["unit"], f"hypotheses/{row['name']}"),
            *(Entry(write(row[p], "p"), number=f"hypotheses/{row['name']}:{p}")
              for p in ("p", "p_holm")),
            row["verdict"],
        )
        for row in analysis.hypotheses.to_dict("records")
    ]  # fmt: skip
    level = "" if evidence.one_seed else f", {_level(evidence)} interval in brackets"
    return Table(
        "hypotheses", f"Hypotheses declared before the run. Estimate{level}; p: two-sided; Holm: "
        "p adjusted for the number of hypotheses, which decides the verdict.",
        ("Hypothesis", "Quantity", "Estimate", "p", "Holm", "Verdict"),
        rows, analysis.hypotheses, words=frozenset({1, 5}), prose=frozenset({0, 1}),
    )  # fmt: skip


def claims(analysis: Tables) -> Table:
    """Return the claims of the literature with what this study says of each."""
    evidence = evidence_of(analysis)
    rows = [
        entries(
            row["says"], row["decided_by"],
            _cell(row, "estimate", "points", f"claims/{row['name']}"),
            Entry(row["verdict"], row["reason"]),
        )
        for row in analysis.claims.to_dict("records")
    ]  # fmt: skip
    level = "" if evidence.one_seed else f", {_level(evidence)} interval in brackets"
    return Table(
        "claims", "Claims of the literature and what this study says of them. Estimate in "
        f"points{level}. Not testable: the study has not what the claim is about.",
        ("Claim", "Decided by", "Estimate", "Verdict"), rows, analysis.claims,
        words=frozenset({1, 3}), prose=frozenset({0, 1, 3}),
    )  # fmt: skip


def all_tables(analysis: Tables) -> dict[str, Table]:
    """Return every table that the study's data allow, by id."""
    made = [encoders(analysis), tasks(analysis), main_results(analysis)]
    for stage in ("target", "intermediate"):
        if (shown := examples(analysis, stage)) is not None:
            made.append(shown)
    if len(analysis.gaps):
        made.append(transfer_gaps(analysis))
    if len(analysis.hypotheses):
        made.append(hypotheses(analysis))
    if len(analysis.claims):
        made.append(claims(analysis))
    made += [languages(analysis), floors(analysis), shortcuts(analysis)]
    if (by_operator := operators(analysis)) is not None:
        made.append(by_operator)
    if (found := retrieval(analysis)) is not None:
        made.append(found)
    allowed = (
        budgets(analysis), budget_pairs(analysis), control(analysis), crosschecks(analysis),
        batch_table(analysis), fits(analysis), uncollapsed(analysis), powers(analysis),
        simulation(),
    )  # fmt: skip
    made += [table for table in allowed if table is not None]
    made += [audit(analysis), costs(analysis), runs(analysis)]
    return {table.id: table for table in made}


def contrast_words(contrast: str) -> str:
    """Return "multilingual minus English" for "multilingual-english"."""
    first, second = contrast.split("-")
    return " minus ".join("none" if arm == "none" else ARMS[arm].label for arm in (first, second))


def quantity_words(row: _Row) -> str:
    """Return what is estimated: "points on the other languages, cross-task pairs"."""
    unit = "points" if row["unit"] == "points" else "% of errors removed"
    per = " per decade of body parameters" if row["quantity"] == "slope" else ""
    return f"{unit}{per}, {GROUPS[row['group']]}, {row['pairs']}-task pairs"


def _of_target(evidence: Evidence, row: _Row) -> str:
    return f", {evidence.title(row['target'])} alone" if row["target"] else ""


def _indexed(
    evidence: Evidence,
) -> tuple[dict[tuple[str, ...], _Row], dict[tuple[str, ...], _Row]]:
    scores = {
        (row["target"], row["model"], row["intermediate"], row["arm"], row["group"]): row
        for row in evidence.tables.scores.to_dict("records")
    }
    gains = {
        (row["target"], row["model"], row["intermediate"], row["contrast"], row["unit"],
         row["group"]): row
        for row in evidence.tables.gains.to_dict("records")
    }  # fmt: skip
    return scores, gains


def _cell(row: _Row | None, column: str, unit: Any, number: str) -> Entry:
    if row is None:
        return Entry(UNDEFINED)
    ends = interval(row["low"], row["high"], sign=unit != "percent")
    collapsed = f" {row['collapsed']} collapsed" if row.get("collapsed") else ""
    small = (f"[{ends}]" if ends else "") + collapsed
    return Entry(write(row[column], unit), small, number=number)


def _arm(arm: str) -> str:
    return "" if arm == "none" else ARMS[arm].label


def _mark(evidence: Evidence, middle: str, target: str) -> str:
    return "*" if middle != "none" and not evidence.is_cross(middle, target) else ""


def _level(evidence: Evidence) -> str:
    return f"{100 * evidence.spec.confidence:g} %"
