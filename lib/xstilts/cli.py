"""The command line: `xstilts COMMAND STUDY`, `xstilts export SET`; `make` calls it."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from xstilts.errors import SpecError, XstiltsError, nearest
from xstilts.params.grid import PUBLISHED

COMMANDS = (
    "paper", "plan", "status", "keep", "publish", "analyse", "compare", "explain", "export",
)  # fmt: skip


class _Parser(argparse.ArgumentParser):
    """Tells a wrong word in one line, as every other bad input is told."""

    def error(self, message: str) -> NoReturn:
        raise SpecError(f"{self.prog}: {message}. `{self.prog} --help` lists what is allowed")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code (errors.py lists them)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    try:
        command(_parse([word for word in words if word != "--debug"]))
    except XstiltsError as error:
        if debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def _parse(words: Sequence[str]) -> argparse.Namespace:
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        raise SpecError(
            f"xstilts: command '{words[0]}' is unknown; allowed: {', '.join(COMMANDS)}."
            f"{nearest(words[0], COMMANDS)}"
        )
    return parser().parse_args(words)


def parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    whole = _Parser(prog="xstilts", description="Intermediate-task training over encoder size.")
    whole.add_argument("--debug", action="store_true", help="show where an error was raised")
    verbs = whole.add_subparsers(dest="command", required=True, parser_class=_Parser)
    paper = verbs.add_parser("paper", help="compute a study and typeset its paper")
    paper.add_argument("--data", help="folder of official files (XNLI, PAWS-X)")
    paper.add_argument("--cores", type=int, help="cells at once; the machine's cores by default")
    paper.add_argument("--profile", help="folder with a Snakemake profile (GPU, cluster)")
    paper.add_argument("--from", dest="source", choices=("computed", "published"),
                       default="computed", help="published: from the committed tables")  # fmt: skip
    plan = verbs.add_parser("plan", help="what a study would run and cost; loads nothing")
    plan.add_argument("--device", help="what it would run on; --device list shows the names")
    plan.add_argument("--json", action="store_true", help="for machines")
    status = verbs.add_parser("status", help="what is done, running, failed and left")
    keep = verbs.add_parser("keep", help="record finished runs, to be committed and gone on from")
    publish = verbs.add_parser("publish", help="copy a study's tables and paper to be committed")
    again = verbs.add_parser("analyse", help="estimate a study's tables anew from its runs")
    explain = verbs.add_parser("explain", help="runs, parameters, data and code behind a number")
    for verb in (paper, plan, status, keep, publish, again, explain):
        verb.add_argument("study", help="file in params/studies")
        verb.add_argument("--outputs", default="outputs", help="folder of everything computed")
    compare = verbs.add_parser("compare", help="in what two studies differ beyond noise")
    compare.add_argument("first", help="file in params/studies, or a folder of tables")
    compare.add_argument("second", help="likewise")
    compare.add_argument("--outputs", default="outputs", help="folder of everything computed")
    explain.add_argument("key", help="of a number, as the paper's HTML and numbers.json have it")
    export = verbs.add_parser("export", help="write MiniXTREME as an ordinary data set folder")
    export.add_argument("set", help="minixtreme")
    export.add_argument("--to", help="a new folder; outputs/<set> by default")
    return whole


def command(chosen: argparse.Namespace) -> None:
    """Run what was parsed."""
    if chosen.command == "paper":
        _paper(chosen)
    elif chosen.command == "plan":
        _plan(chosen)
    elif chosen.command == "status":
        from xstilts.status import status_text

        print(status_text(chosen.study, chosen.outputs))
    elif chosen.command == "keep":
        from xstilts.results.records import keep, told_count

        print(told_count(keep(chosen.study, chosen.outputs), chosen.study, "kept in"))
    elif chosen.command == "analyse":
        from xstilts.publish import analyse_anew

        print(analyse_anew(chosen.study, chosen.outputs))
    elif chosen.command == "compare":
        from xstilts.report.compare import compare

        print(compare(chosen.first, chosen.second, chosen.outputs))
    elif chosen.command == "explain":
        from xstilts.report.explain import explain

        print(explain(chosen.study, chosen.key, chosen.outputs))
    elif chosen.command == "export":
        from xstilts.export import export

        print(export(chosen.set, Path(chosen.to or f"outputs/{chosen.set}")))
    else:
        from xstilts.publish import publish

        print(publish(chosen.study, chosen.outputs))


def _paper(chosen: argparse.Namespace) -> None:
    from xstilts.engine import compute
    from xstilts.publish import rebuild

    if chosen.data:
        os.environ["XSTILTS_DATA"] = os.path.abspath(chosen.data)
    if chosen.source == "published":
        folder = rebuild(chosen.study, PUBLISHED)
    else:
        folder = compute(chosen.study, chosen.outputs, cores=chosen.cores, profile=chosen.profile)
    print(f"{folder / 'paper.html'}\n{folder / 'paper.pdf'}")


def _plan(chosen: argparse.Namespace) -> None:
    from xstilts.cost import DEVICES, find_device
    from xstilts.params import load_model, load_study
    from xstilts.plan import plan, plan_json, refuse_unfit
    from xstilts.plan_table import plan_text

    if chosen.device == "list":
        print("\n".join(f"{name}: {device.title}" for name, device in DEVICES.items()))
        return
    hub = any(load_model(m).source.kind == "hub" for m in load_study(chosen.study).models)
    device = find_device(chosen.device or ("h100-80" if hub else "cpu-2-cores"))
    planned = plan(chosen.study, device, outputs=chosen.outputs)
    print(json.dumps(plan_json(planned), indent=1) if chosen.json else plan_text(planned))
    refuse_unfit(planned)


if __name__ == "__main__":
    sys.exit(main())
