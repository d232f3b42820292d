"""The command of `make bench`: measure rows, merge them into the results, write the document."""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from xstilts.errors import XstiltsError

#: the committed document and its results; what --quick measures is not for them
DOCS, QUICK = Path("docs"), Path("outputs_dev")
#: of the workers, which inherit it
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1", "KINETO_LOG_LEVEL": "9",
}  # fmt: skip


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", default="", help="names, separated by commas; default: all")
    parser.add_argument("--data", default=os.environ.get("XSTILTS_DATA", ""),
                        help="folder of official files; default: generated pairs")  # fmt: skip
    parser.add_argument("--out", type=Path, help="folder of benchmarks.md; default: docs")
    parser.add_argument("--quick", action="store_true", help="one round of a tiny encoder")
    parser.add_argument("--render", action="store_true", help="measure nothing, write the document")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; return the exit code."""
    options = parse(arguments)
    out = options.out or (QUICK if options.quick else DOCS)
    try:
        if not options.render:
            return 1 if measure(options, out) else 0
        from benchmarks.report import write_document

        write_document(out)
    except XstiltsError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def measure(options: argparse.Namespace, out: Path) -> list[str]:
    """Measure the rows asked for, keep each as soon as it is done, return those that failed."""
    from benchmarks.rows import choose, quick

    rows = choose([name for name in options.rows.split(",") if name])
    os.environ.update(ENVIRONMENT)  # before anything is imported that reads it
    from benchmarks.items import Source
    from benchmarks.machine import environment
    from benchmarks.report import write_document
    from benchmarks.results import load_results, merge, save_results
    from benchmarks.run import Session, described

    failed = []
    with tempfile.TemporaryDirectory(prefix="xstilts-bench-") as work:
        source = Source(Path(options.data) if options.data else None)
        session = Session(source, Path(work))
        for row in map(quick, rows) if options.quick else rows:
            print(f"{row.name}: {row.title}", file=sys.stderr)
            result = session.measure(row)
            if result["status"] != "measured":
                print(f"  {result['status']}: {result['why']}", file=sys.stderr)
            if result["status"] == "failed":
                failed.append(row.name)
            entry = {"row": described(row), "environment": environment(), **result}
            results = merge(load_results(out / "benchmarks"), row.name, entry)
            save_results(out / "benchmarks", results)
            write_document(out)
    return failed


if __name__ == "__main__":
    # workers are ended and the temporary folder is removed, as after an error
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
