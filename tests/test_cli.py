import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from throwaway import edit, grid, project

from xstilts import cli, engine
from xstilts.cli import COMMANDS, main
from xstilts.errors import BusyError, ResourceError, SpecError, XstiltsError
from xstilts.files import exclusive

STUDY, NLI = "params/studies/smoke.yaml", "params/tasks/smoke_nli.yaml"
OF_STUDIES = [name for name in COMMANDS if name not in ("compare", "explain", "export")]
HEAVY = {"torch", "transformers", "tokenizers", "matplotlib", "papermill", "sklearn"}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with project(tmp_path, monkeypatch):
        yield tmp_path


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_run", lambda *_: pytest.fail("Snakemake was started"))


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line on stderr; nothing is on stdout."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1, err
    assert err.startswith("error: ")
    return err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["papr", "smoke"], "command 'papr' is unknown; allowed: paper, plan, status, keep, "
                            "publish, analyse, compare, explain, export. Did you mean 'paper'?"),
        (["paper"], "the following arguments are required: study"),
        ([], "the following arguments are required: command"),
        (["paper", "smoke", "--core", "two"], "invalid int value: 'two'"),
        (["paper", "smoke", "--from", "nowhere"], "invalid choice: 'nowhere'"),
        (["paper", "smoke", "extra"], "unrecognized arguments: extra"),
        (["plan", "smoke", "--device", "h100"], "device 'h100' is unknown; allowed: "),
    ],
)  # fmt: skip
def test_a_mistyped_word_is_told_in_one_line_with_exit_code_2(words, line, capsys):
    assert main(words) == 2
    assert line in told(capsys)


@pytest.mark.parametrize("command", OF_STUDIES)
def test_an_unknown_study_is_told_with_the_nearest(command, root, capsys):
    assert main([command, "smkoe"]) == 2
    assert "study 'smkoe' is unknown; allowed: smoke. Did you mean 'smoke'?" in told(capsys)
    assert not (root / "outputs").exists()


@pytest.mark.parametrize("command", OF_STUDIES)
def test_a_task_that_a_study_names_and_that_is_not_there_is_told(command, root, capsys):
    edit(root / STUDY, targets=["smoke_nlo"])
    assert main([command, "smoke"]) == 2
    line = told(capsys)
    assert f"{STUDY}: targets: task 'smoke_nlo' is unknown" in line
    assert "Did you mean 'smoke_nli'?" in line


def read_official_files(root: Path) -> None:
    split = {"path": "{language}.tsv", "layout": "xtreme"}
    edit(root / NLI, source={"kind": "files", "train": split, "test": split})


def test_a_study_on_official_files_asks_for_their_folder(root, capsys):
    read_official_files(root)
    assert main(["paper", "smoke"]) == 2
    assert "make paper STUDY=smoke DATA=/path/to/files" in told(capsys)


def test_a_data_folder_that_is_not_there_is_told(root, capsys, monkeypatch):
    monkeypatch.setenv("XSTILTS_DATA", "")  # is set by the command, and put back
    read_official_files(root)
    assert main(["paper", "smoke", "--data", "absent"]) == 2
    assert "absent: no such folder" in told(capsys)


def test_two_runs_of_a_study_at_once_are_refused_with_exit_code_5(root, capsys):
    with exclusive(root / "outputs/smoke/.lock", "held"):
        assert main(["paper", "smoke"]) == BusyError.exit_code == 5
    assert "nothing was started" in told(capsys)


def test_what_is_not_done_is_not_published(root, capsys):
    assert main(["publish", "smoke"]) == 2
    assert "study 'smoke' is not done" in told(capsys)


def test_keeping_says_how_many_runs_were_kept(root, capsys):
    assert main(["keep", "smoke"]) == 0
    assert capsys.readouterr().out == "kept in outputs/published/smoke/runs: 0 of 5 runs\n"
    assert not (root / "outputs").exists()


def test_runs_on_official_files_are_not_kept_without_them(root, capsys, monkeypatch):
    monkeypatch.delenv("XSTILTS_DATA", raising=False)
    read_official_files(root)
    assert main(["keep", "smoke"]) == 2
    assert "no folder is named" in told(capsys)


def test_papers_of_published_tables_need_tables(root, capsys):
    assert main(["paper", "smoke", "--from", "published"]) == 2
    assert "no tables; published are: none" in told(capsys)


def test_the_plan_is_a_table_or_json(root, capsys):
    assert main(["plan", "smoke"]) == 0
    assert "40_target" in capsys.readouterr().out
    assert main(["plan", "smoke", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["study"] == "smoke"
    assert sum(stage["cells"] for stage in planned["stages"]) == len(grid())
    assert not (root / "outputs").exists()


def test_a_plan_that_does_not_fit_is_shown_and_refused_with_exit_code_4(root, capsys, monkeypatch):
    from xstilts import plan

    monkeypatch.setattr(plan, "_disk_free", lambda folder: 10)
    assert main(["plan", "smoke"]) == ResourceError.exit_code == 4
    out, err = capsys.readouterr()
    assert "40_target" in out
    assert err.startswith("error: study 'smoke' cannot run on ")


def test_devices_are_listed_for_a_study(root, capsys):
    assert main(["plan", "smoke", "--device", "list"]) == 0
    assert "cpu-2-cores: " in capsys.readouterr().out


def test_status_of_a_study_not_begun_is_all_left(root, capsys):
    assert main(["status", "smoke"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "smoke: 0 of 10 cells, 0 %" in out


def test_options_reach_the_engine_and_the_papers_files_are_printed(root, capsys, monkeypatch):
    asked = {}

    def compute(study: str, outputs: str, **chosen: object) -> Path:
        asked.update(chosen, study=study, outputs=outputs)
        return root / "paper"

    monkeypatch.setattr(engine, "compute", compute)
    options = ["--outputs", "outputs/x", "--cores", "3", "--profile", "profiles/gpu"]
    assert main(["paper", "smoke", *options]) == 0
    assert asked == {
        "study": "smoke", "outputs": "outputs/x", "cores": 3, "profile": "profiles/gpu",
    }  # fmt: skip
    assert capsys.readouterr().out == f"{root / 'paper/paper.html'}\n{root / 'paper/paper.pdf'}\n"


@pytest.mark.parametrize("words", [["--debug", "plan", "smkoe"], ["plan", "smkoe", "--debug"]])
def test_debug_shows_where_an_error_was_raised(words, root):
    with pytest.raises(SpecError):
        main(words)


def test_an_interruption_is_told_in_one_line_with_exit_code_130(root, capsys, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "compute", interrupted)
    assert main(["paper", "smoke"]) == 130
    assert capsys.readouterr().err == "interrupted; the same command goes on from here\n"


@pytest.mark.parametrize("code", [1, 2, 4, 5])
def test_an_error_of_ours_decides_the_exit_code(root, monkeypatch, code, capsys):
    def fail(*_: object, **__: object) -> None:
        fault = XstiltsError("made to fail")
        fault.exit_code = code
        raise fault

    monkeypatch.setattr(cli, "command", fail)
    assert main(["status", "smoke"]) == code
    assert told(capsys) == "error: made to fail\n"


@pytest.mark.parametrize("words", [["--help"], ["paper", "--help"], ["papr"], ["status", "smkoe"]])
def test_help_and_mistakes_load_nothing_heavy_and_answer_at_once(words):
    script = (
        "import sys, time\n"
        "from xstilts.cli import main\n"
        "try:\n    code = main(sys.argv[1:])\n"
        "except SystemExit as end:\n    code = end.code\n"
        f"heavy = {HEAVY!r} & set(sys.modules)\n"
        "print(code, time.process_time(), *heavy)"
    )
    command = [sys.executable, "-c", script, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    code, seconds, *heavy = done.stdout.splitlines()[-1].split()
    assert code == ("0" if "--help" in words else "2")
    assert heavy == []
    assert float(seconds) < 1.5


def test_explaining_a_number_needs_a_study_that_is_there(root, capsys):
    assert main(["explain", "smkoe", "count/runs"]) == 2
    assert "study 'smkoe' is unknown; allowed: smoke. Did you mean 'smoke'?" in told(capsys)
    assert main(["explain", "smoke", "count/runs"]) == 2
    assert "study 'smoke': no tables; `make paper STUDY=smoke` computes them" in told(capsys)
