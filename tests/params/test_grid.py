import pytest

from xstilts.errors import SpecError
from xstilts.params import STAGES, cells, find_cell, is_cross, split_start, start_name, starts


@pytest.fixture
def grid(write):
    return cells("made")


def of(grid, stage):
    return [cell for cell in grid if cell.stage == stage]


def test_inputs_come_before_what_reads_them(grid):
    seen = set()
    for cell in grid:
        assert set(cell.inputs) <= seen, cell.name
        seen.add(cell)
    assert len(seen) == len(grid)
    assert list(dict.fromkeys(cell.stage for cell in grid)) == list(STAGES)


def test_every_cell_has_a_folder_of_its_own(grid):
    assert len({cell.folder for cell in grid}) == len({cell.log for cell in grid}) == len(grid)


def test_the_grid_has_the_cells_that_the_study_spans(grid):
    count = {stage: len(of(grid, stage)) for stage in STAGES}
    # two models; arms: two of `both`, one of the English-only task; baseline beside them
    assert count == {
        "10_data": 3, "20_encoder": 2, "30_intermediate": 2 * 3, "40_target": 2 * 4 * 2,
        "50_analysis": 1, "60_paper": 1,
    }  # fmt: skip


def test_an_english_only_task_has_no_multilingual_arm(grid):
    assert starts("made") == ["none", "both-english", "both-multilingual", "english_only-english"]
    arms = {(cell["task"], cell["arm"]) for cell in of(grid, "30_intermediate")}
    assert ("english_only", "multilingual") not in arms
    assert {("both", "multilingual"), ("english_only", "english")} <= arms


def test_a_study_with_the_baseline_alone_has_no_intermediate_cell(write):
    write("studies", "made", arms=["none"], intermediates=[])
    grid = cells("made")
    assert of(grid, "30_intermediate") == []
    assert starts("made") == ["none"]
    assert len(of(grid, "40_target")) == 4


def test_the_baseline_is_shared_by_all_intermediate_tasks(grid):
    baseline = [cell for cell in of(grid, "40_target") if cell["start"] == "none"]
    assert len(baseline) == 2 * 2  # models x targets
    for cell in baseline:
        assert [one.stage for one in cell.inputs] == ["10_data", "20_encoder"]
        assert cell.inputs[1]["model"] == cell["model"]


def test_a_target_cell_reads_its_data_and_where_it_starts(grid):
    for cell in of(grid, "40_target"):
        data, start = cell.inputs
        assert (data.stage, data["task"]) == ("10_data", cell["task"])
        if cell["start"] != "none":
            assert (start["task"], start["arm"]) == split_start(cell["start"])
            assert start["model"] == cell["model"]


def test_an_intermediate_cell_is_shared_by_all_targets(grid):
    middle = of(grid, "30_intermediate")
    readers = [
        [end["task"] for end in of(grid, "40_target") if cell in end.inputs] for cell in middle
    ]
    assert readers == [["both", "goal"]] * len(middle)


def test_the_analysis_reads_every_cell_before_it(grid):
    analysis, paper = grid[-2:]
    assert set(analysis.inputs) == set(grid[:-2])
    assert paper.inputs == (analysis,)


def test_names_of_cells_are_their_folders(grid, project):
    cell = find_cell("40_target", "made", model="small", start="both-english", task="goal")
    assert cell.name == "targets/small/both-english/goal"
    assert cell.folder == project / "outputs/made" / cell.name
    assert cell.manifest == cell.folder / "manifest.json"
    assert cell.log == project / "outputs/made/logs/targets/small/both-english/goal.log"
    assert cell.parameters == {
        "study": "made", "model": "small", "start": "both-english", "task": "goal"
    }  # fmt: skip
    assert cell.inputs
    elsewhere = find_cell("10_data", "made", "scratch", task="goal")
    assert elsewhere.folder == project / "scratch/made/data/goal"


@pytest.mark.parametrize(
    ("stage", "selectors", "expected"),
    [
        ("10_data", {"task": "gaol"}, "task 'gaol' is unknown; allowed: both, english_only, goal."),
        ("40_target", {"model": "small", "start": "both-englsh", "task": "goal"},
         "Did you mean 'both-english'?"),
        ("30_intermediate", {"model": "small", "task": "english_only", "arm": "multilingual"},
         "arm 'multilingual' is unknown; allowed: english."),
        ("20_encoder", {}, "model 'None' is unknown"),
        ("30_intermedate", {}, "study 'made' has no cells of 30_intermedate"),
    ],
)  # fmt: skip
def test_a_cell_that_the_study_lacks_is_refused(write, stage, selectors, expected):
    with pytest.raises(SpecError) as caught:
        find_cell(stage, "made", **selectors)
    assert expected in str(caught.value)


def test_an_unknown_study_is_refused(write):
    with pytest.raises(SpecError, match=r"study 'mad' is unknown.*mean 'made'"):
        find_cell("50_analysis", "mad")


@pytest.mark.parametrize("task", ["both", "mini_nli.b"])
@pytest.mark.parametrize("arm", ["english", "multilingual"])
def test_a_start_is_split_as_it_was_joined(task, arm):
    assert split_start(start_name(task, arm)) == (task, arm)
    assert split_start("none") == ("none", "none")


def test_a_pair_is_cross_task_if_the_skills_differ(write):
    assert is_cross("both", "goal")
    assert not is_cross("both", "both")


def test_a_target_at_two_numbers_of_items_reads_one_data_cell(write):
    write("studies", "made", targets=["goal", "goal@20"])
    grid = cells("made")
    assert [cell["task"] for cell in of(grid, "10_data")] == ["both", "english_only", "goal"]
    targets = {cell["task"]: cell for cell in of(grid, "40_target") if cell["start"] == "none"}
    assert targets["goal"].inputs[0] == targets["goal@20"].inputs[0]
    assert targets["goal"].folder != targets["goal@20"].folder
    assert is_cross("both", "goal@20")
    assert not is_cross("goal", "goal@20")
