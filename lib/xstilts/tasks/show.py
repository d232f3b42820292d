"""A task's data for the eye: tables and pictures that the data notebook shows."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas.io.formats.style import Styler

from xstilts.tasks.item import item_ids
from xstilts.tasks.load import TaskData

#: told apart by readers with any colour vision (Okabe and Ito 2008)
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
_GREY = "#4D4D4D"


@dataclass(frozen=True)
class Picture:
    """An SVG with its alternative text; a notebook shows it where a cell ends with it."""

    svg: str = field(repr=False)
    alt: str

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": self.alt}


def picture(figure: Figure, alt: str) -> Picture:
    """Return the figure as SVG; the same figure gives the same bytes."""
    drawn = io.StringIO()
    with rc_context({"svg.hashsalt": "xstilts", "svg.fonttype": "path"}):
        figure.savefig(drawn, format="svg", metadata={"Date": None}, bbox_inches="tight")
    return Picture(drawn.getvalue(), alt)


def examples(
    data: TaskData, *, items: int = 3, languages: Sequence[str] = (), split: str = "test"
) -> pd.DataFrame:
    """Return the first items of a split in several languages, for reading.

    Items are taken label by label in turn, so that each label is seen. Indexed by item and
    language; columns label, group (if there are any), text_a, text_b. A task without test
    set shows its training items.
    """
    table = data.test if split == "test" and len(data.test) else data.train
    wanted = [code for code in languages if code in set(table["language"])]
    chosen = table[table["language"].isin(wanted)] if wanted else table
    by_label = table.groupby("label")["id"].unique()
    queues = [sorted(ids) for ids in by_label]
    turns = [queue[turn] for turn in range(items) for queue in queues if turn < len(queue)]
    shown = chosen[chosen["id"].isin(turns[:items])].sort_values(["id", "language"])
    labels = [data.labels[number] for number in shown["label"]]
    columns = ["label", "group", "text_a", "text_b"]
    shown = shown.assign(label=labels).set_index(["id", "language"])[columns]
    return shown if (shown["group"] != "").any() else shown.drop(columns="group")


def readable(table: pd.DataFrame) -> Styler:
    """Return the table with its texts in full, left-aligned, their markup escaped."""
    left = [{"selector": "th, td", "props": "text-align: left; vertical-align: top"}]
    styler = Styler(table, uuid="items", cell_ids=False).format(escape="html")
    return styler.set_table_styles(left)


def baselines(data: TaskData) -> pd.DataFrame:
    """Return both floors by language, in percent, with the items scored."""
    table = data.baselines.pivot(index="language", columns="baseline", values="score").round(1)
    items = data.baselines.groupby("language")["items"].first()
    return table.assign(items=items).rename_axis(columns=None)


def label_balance(data: TaskData) -> Picture:
    """Draw the share of each label, in training and in each language of the test set."""
    bars = {"training": data.train.drop_duplicates("id")}
    bars |= {code: data.test[data.test["language"] == code] for code in data.test_languages}
    figure = Figure(figsize=(6.4, 0.9 + 0.24 * len(bars)))
    axes = figure.subplots()
    told = []
    for row, (name, table) in enumerate(bars.items()):
        start = 0.0
        counts = table["label"].value_counts(normalize=True)
        shares = [100 * float(counts.get(number, 0)) for number in range(len(data.labels))]
        for number, share in enumerate(shares):
            axes.barh(row, share, left=start, color=COLOURS[number], height=0.72)
            start += share
        told.append(f"{name} {', '.join(f'{share:.0f}' for share in shares)}")
    axes.set_yticks(range(len(bars)), list(bars))
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the items, %")
    handles = [axes.patches[number] for number in range(len(data.labels))]
    axes.legend(
        handles, data.labels, loc="lower center", bbox_to_anchor=(0.5, 1.0),
        ncols=len(data.labels), frameon=False,
    )  # fmt: skip
    _bare(axes)
    labels = ", ".join(data.labels)
    return picture(figure, f"Shares of {labels} in percent: {'; '.join(told)}.")


def lengths(data: TaskData) -> Picture:
    """Draw how long a pair is, in characters, in each language: median, quartiles, 5 and 95 %."""
    table = data.test if len(data.test) else data.train
    size = table["text_a"].str.len() + table["text_b"].str.len()
    shares = [0.05, 0.25, 0.5, 0.75, 0.95]
    marks = size.groupby(table["language"], sort=False).quantile(shares).unstack()
    figure = Figure(figsize=(6.4, 0.9 + 0.24 * len(marks)))
    axes = figure.subplots()
    for row, (low, first, middle, third, high) in enumerate(marks.to_numpy()):
        axes.plot([low, high], [row, row], color=COLOURS[0], linewidth=1)
        axes.plot([first, third], [row, row], color=COLOURS[0], linewidth=6, alpha=0.5)
        axes.plot(middle, row, "o", color=COLOURS[0], markersize=5)
    axes.set_yticks(range(len(marks)), list(marks.index))
    axes.invert_yaxis()
    axes.margins(y=0.5 / len(marks))
    axes.set_xlim(left=0)
    axes.set_xlabel("characters of a pair (dot: median; thick: half of the pairs; thin: 90 %)")
    _bare(axes)
    told = ", ".join(f"{code} {middle:.0f}" for code, middle in marks[0.5].items())
    return picture(figure, f"Median characters of a pair by language: {told}.")


def _bare(axes: Axes) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(colors=_GREY)


def count_items(data: TaskData) -> pd.DataFrame:
    """Return how many items and languages each split has."""
    splits = {"train": data.train, "test": data.test}
    rows = {
        name: {"items": len(item_ids(table)), "languages": table["language"].nunique()}
        for name, table in splits.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("split")
