"""Which files of the data folder a task reads."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from xstilts.params import TaskSpec
from xstilts.params.source import FilesSource, HubDataSource, HubSplit


def source_files(spec: TaskSpec, root: Path | None) -> Iterator[Path]:
    """Yield the paths of the official files that a task names; they need not exist.

    For a hub data set: the Parquet files of its local copy below `root`, if there is one.
    """
    if root is None or not isinstance(spec.source, FilesSource | HubDataSource):
        return
    for name, languages in (("train", spec.train_languages), ("test", spec.test_languages)):
        for split, language in product(spec.source.parts(name), languages):
            if isinstance(split, HubSplit):
                config = split.config.replace("{language}", language)
                yield from (root / "hub" / split.id / config).glob(f"{split.split}-*.parquet")
                continue
            for path in filter(None, (split.path, split.labels)):
                yield root / path.replace("{language}", language)
