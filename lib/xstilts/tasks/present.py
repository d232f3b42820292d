"""Whether the official files that a study reads are there; without them no key is right."""

from functools import partial

from xstilts.errors import DataError
from xstilts.params import base_task, load_corpus, load_study, load_task
from xstilts.tasks.corpus import corpus_files
from xstilts.tasks.prepare import DATA_VARIABLE, data_root
from xstilts.tasks.source import source_files


def check_files(study: str) -> None:
    """Raise DataError, naming the first, if an official file that the study reads is missing."""
    spec, root = load_study(study), data_root()
    named = dict.fromkeys(map(base_task, [*spec.targets, *spec.intermediates]))
    tasks = {name: load_task(name) for name in named}
    read = [(f"tasks/{name}", partial(source_files, task)) for name, task in tasks.items()
            if task.source.kind == "files"]  # fmt: skip
    read += [(f"corpora/{name}", partial(corpus_files, load_corpus(name))) for name in spec.corpora]
    for name, files in read:
        if root is None or not root.is_dir():
            found = f"{root}: no such folder" if root else "no folder is named"
            raise DataError(
                f"study '{study}' reads official files (params/{name}.yaml): {found}; allowed: "
                f"make paper STUDY={study} DATA=/path/to/files (or {DATA_VARIABLE})"
            )
        for path in files(root):
            if not path.is_file():
                raise DataError(f"{path}: file not found (params/{name}.yaml)")
