from xstilts.params import load_task, names
from xstilts.report.languages import ordered, tongue


def test_every_language_of_the_tasks_is_known():
    for name in names("tasks"):
        for code in load_task(name).test_languages:
            assert tongue(code).script != "Zyyy", code


def test_languages_are_ordered_by_script_then_family_english_first():
    assert ordered(["zh", "ru", "en", "de", "bg", "ar", "es"]) == [
        "en", "de", "es", "bg", "ru", "ar", "zh",
    ]  # fmt: skip


def test_an_unknown_code_stands_for_itself():
    assert tongue("xx").name == "xx"
