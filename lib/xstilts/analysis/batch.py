"""The critical batch: from which batch on a step's items are partly wasted.

A batch costs nothing as long as a target loss needs the same number of items under it as under
a smaller one. The critical batch is where 20 % more items are needed (Zhang et al. 2025, arXiv
2410.21676, section 2, who count steps of language models). Here the loss is the cross-entropy on
scored English items, and each point is a training of its own, whose rate falls to zero at its
last item, under the square-root rule for rate and batch (Malladi et al. 2022, arXiv 2205.10287).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from xstilts.analysis.beside import read_table
from xstilts.analysis.estimand import Values
from xstilts.files import digest, read_json
from xstilts.params import StudySpec, base_task
from xstilts.params.grid import tables_folder
from xstilts.params.load import parse

#: one row a (encoder, target, items, batch)
BATCHES: dict[str, str] = {
    "model": "str",
    "family": "str",
    "layers": "int64",
    "body_params": "int64",
    "target": "str",  # task, without its items
    "title": "str",
    "items": "int64",  # that the smallest batch was trained on: the volume of data
    "batch": "int64",
    "loss": "float64",  # of this batch on these items, nats
    "needed": "float64",  # items of this batch for the smallest one's loss; NaN: not reached
    "overhead": "float64",  # percent that these exceed `items`
    "critical": "float64",  # batch, the same in all rows of (encoder, target, items)
    "low": "float64",
    "high": "float64",
    "seeds": "int64",
}
#: more items that are needed at the critical batch, as a factor
OVERHEAD = 1.2
#: redrawn sets of scored items
DRAWS = 1000
#: smallest probability that float16 tells from zero
_LEAST = 6e-8
#: (items of training, batch) -> loss: the estimate, then its draws
Losses = Mapping[tuple[int, int], Values]


def tabulate_batches(outputs: str, studies: Sequence[str], confidence: float) -> pd.DataFrame:
    """Return the critical batches that some studies allow, columns `BATCHES`.

    The studies differ in batch and rate alone; those that are neither computed nor published
    are left out. critical: infinite if the largest batch tried does not reach it. low, high:
    interval over scored items, seeds as they are.

    Args:
        outputs: folder of everything computed.
        studies: by name.
        confidence: of the interval.

    Raises:
        DataError: the tables of a study are broken.
    """
    found = [part for name in studies for part in _read(name, outputs)]
    rows: list[dict[str, Any]] = []
    keys = ["model", "family", "layers", "body_params", "target", "title"]
    points = pd.DataFrame(found)
    for key, part in points.groupby(keys, sort=False) if found else ():
        about = dict(zip(keys, key, strict=True)) | {"seeds": int(part["seeds"].min())}
        losses = {(row.items, row.batch): row.losses for row in part.itertuples()}
        rows += [about | row for row in _rows(losses, confidence)]
    return pd.DataFrame(rows, columns=list(BATCHES)).astype(BATCHES)


def _read(name: str, outputs: str) -> Iterator[dict[str, Any]]:
    """Yield the loss of every training of a study without intermediate task."""
    folder = tables_folder(name, outputs)
    if folder is None:
        return
    about = read_json(folder / "study.json")
    study = parse(StudySpec, about["study"], f"{folder / 'study.json'}: study")
    runs, predictions = (read_table(folder / f"{one}.parquet") for one in ("runs", "predictions"))
    runs = runs[(runs["stage"] == "target") & (runs["arm"] == "none") & (runs["language"] == "en")]
    predictions = predictions[predictions["language"] == "en"]
    for (model, target), part in runs.groupby(["model", "target"], sort=False):
        rows = predictions[predictions["run"].isin(part["run"])]
        task, first = base_task(str(target)), part.iloc[0]
        yield {
            "model": model, "family": first["family"], "layers": first["layers"],
            "body_params": first["body_params"], "target": task,
            "title": about["tasks"][target]["title"].split(",")[0],
            "items": study.budget(str(target), "target").items,
            "batch": study.optimizer_of(str(model)).batch,
            "losses": _losses(task, rows), "seeds": part["run"].nunique(),
        }  # fmt: skip


def _losses(task: str, rows: pd.DataFrame) -> Values:
    """Return the mean cross-entropy of the runs, (1 + DRAWS,), items redrawn alike by task."""
    probabilities = rows[[name for name in rows if name[:1] == "p" and name[1:].isdigit()]]
    right = probabilities.to_numpy(np.float64)[np.arange(len(rows)), rows["label"]]
    table = pd.DataFrame({"item": rows["item"].astype("str"), "loss": -np.log(right + _LEAST)})
    by_item = table.groupby("item")["loss"].mean().to_numpy()
    rng = np.random.default_rng(int(digest(["batch", task, len(by_item)]), 16))
    counts = rng.multinomial(len(by_item), np.full(len(by_item), 1 / len(by_item)), size=DRAWS)
    return np.concatenate([[by_item.mean()], counts @ by_item / len(by_item)])


def _rows(losses: Losses, confidence: float) -> Iterator[dict[str, Any]]:
    """Yield the rows of one encoder and target."""
    volumes = sorted({items for items, _ in losses})
    batches = sorted({batch for _, batch in losses})
    # The largest volume is none: most batches would need items beyond it.
    for items in volumes[:-1]:
        tried = [b for b in batches if all((n, b) in losses for n in volumes)]
        if len(tried) < 2 or (items, tried[0]) not in losses:
            continue
        target = losses[items, tried[0]]
        needed = {b: items_needed(volumes, [losses[n, b] for n in volumes], target) for b in tried}
        critical = critical_batch(tried, [needed[b] / items for b in tried])
        tail = (1.0 - confidence) / 2.0
        low, high = np.quantile(critical[1:], [tail, 1.0 - tail], method="nearest")
        for batch in tried:
            own = float(needed[batch][0])
            yield {
                "items": items, "batch": batch, "loss": float(losses[items, batch][0]),
                "needed": own, "overhead": 100.0 * (own / items - 1.0),
                "critical": float(critical[0]), "low": float(low), "high": float(high),
            }  # fmt: skip


def items_needed(volumes: Sequence[int], losses: Sequence[Values], target: Values) -> Values:
    """Return how many items bring the loss to a target, by its course over log items.

    Piecewise linear in the logarithm of the items; a loss that rises with more items counts
    as not falling. NaN where the target is not reached; the fewest where these reach it.

    Args:
        volumes: items, ascending, (volumes,).
        losses: of each, arrays of equal shape.
        target: of that shape.
    """
    x = np.log(np.asarray(volumes, dtype=np.float64))
    course = np.minimum.accumulate(np.stack(losses), axis=0)
    after = (course <= target).argmax(axis=0)
    reached = (course <= target).any(axis=0)
    before = np.maximum(after - 1, 0)
    high, low = (np.take_along_axis(course, at[None], axis=0)[0] for at in (before, after))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(high > low, (high - target) / (high - low), 0.0)
    found = np.exp(x[before] + share * (x[after] - x[before]))
    return np.where(reached, found, np.nan)


def critical_batch(batches: Sequence[int], factors: Sequence[Values]) -> Values:
    """Return the batch at which the factor of items passes `OVERHEAD`, by log batch.

    Infinite where it never does. A batch that does not reach the loss at all has passed.

    Args:
        batches: ascending, the first is the reference.
        factors: needed items over the reference's, an array a batch, all of one shape.
    """
    x = np.log2(np.asarray(batches, dtype=np.float64))
    found = np.full(np.shape(factors[0]), np.inf)
    for place in range(len(batches) - 1, 0, -1):
        before, after = factors[place - 1], factors[place]
        passes = ~(after < OVERHEAD) & (before < OVERHEAD)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = (OVERHEAD - before) / (after - before)
        share = np.where(passes & np.isfinite(share), share, 0.0)  # without overflow where unused
        found = np.where(passes, 2.0 ** (x[place - 1] + share * (x[place] - x[place - 1])), found)
    return found
