import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
VOID = {"img", "meta", "link", "br", "hr", "input"}


class Page(HTMLParser):
    """Collects elements, and checks that tags close in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attrs for tag, attrs in self.elements if tag in tags]


@pytest.fixture(scope="module", params=["smoke_paper", "mini_paper"])
def page(request) -> Page:
    return Page(request.getfixturevalue(request.param).html.read_text())


def test_every_tag_is_closed(page):
    assert page.open == []


def test_nothing_is_loaded_from_elsewhere(page):
    loaded = [attrs.get("src", "") for attrs in page.all("img", "source")]
    assert all(source.startswith("data:") for source in loaded)
    assert not page.all("link", "iframe", "object", "base", "form")
    assert not any("src" in attrs for attrs in page.all("script"))
    policy = next(attrs for attrs in page.all("meta") if "http-equiv" in attrs)
    assert policy["content"].startswith("default-src 'none'")


def test_the_policy_lets_the_pages_own_script_run_and_no_other(mini_paper):
    source = mini_paper.html.read_text()
    (script,) = re.findall(r"<script>(.*?)</script>", source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert re.findall(r"script-src ([^;]*);", source) == [f"'sha256-{digest}'"]
    assert "fetch(" not in script
    assert "http" not in script


def test_style_asks_for_nothing(mini_paper):
    style = re.search(r"<style>(.*?)</style>", mini_paper.html.read_text(), re.DOTALL)[1]
    assert "@import" not in style
    assert all(url.startswith('"data:') for url in re.findall(r"url\(([^)]*)\)", style))


def test_headings_go_down_one_level_at_a_time(page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    in_paper = levels[levels.index(1) :]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(in_paper))


def test_ids_are_unique_and_inner_links_lead_somewhere(page):
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = {attrs["href"][1:] for attrs in page.all("a") if attrs["href"].startswith("#")}
    assert targets <= set(ids)


def test_every_picture_has_words(page):
    pictures = page.all("img")
    assert len(pictures) >= 4
    assert all(len(attrs["alt"]) > 60 for attrs in pictures)


def test_header_cells_say_what_they_head(page):
    assert all(attrs["scope"] in ("col", "row", "colgroup") for attrs in page.all("th"))


def test_tables_scroll_by_keyboard_and_are_named(page):
    regions = [attrs for attrs in page.all("div") if attrs.get("class") == "scroll"]
    assert len(regions) == len(page.all("table"))
    assert all(attrs["tabindex"] == "0" and attrs["aria-label"] for attrs in regions)


def test_every_figure_and_table_offers_its_data(page):
    names = [attrs["download"] for attrs in page.all("a") if "download" in attrs]
    csvs = [name for name in names if name.endswith(".csv")]
    assert len(csvs) == len(page.all("figure"))
    assert len(names) == len(set(names))


def test_numbers_of_the_text_say_where_they_come_from(page):
    marked = [attrs for attrs in page.all("data") if "title" in attrs]
    assert len(marked) > 10
    assert all(": " in attrs["title"] and attrs["value"] for attrs in marked)


def told(paper) -> dict:
    return json.loads(
        re.search(
            r'<script type="application/json" id="traces">(.*?)</script>', paper.html.read_text()
        )[1]
    )


def test_every_number_of_text_and_tables_leads_to_its_runs_in_one_step(mini_paper):
    page, traces = Page(mini_paper.html.read_text()), told(mini_paper)
    assert traces["study"] == "mini"
    places = [int(attrs["data-n"]) for attrs in page.all("data")]
    assert set(places) == set(range(len(traces["numbers"])))
    rows = {attrs["id"] for attrs in page.all("th") if "id" in attrs}
    assert {name for name, _ in traces["cells"]} <= rows  # each has its row in the table of runs
    assert all(re.fullmatch("[0-9a-f]{16}", key) for _, key in traces["cells"])
    by_key = {one["key"]: one for one in traces["numbers"]}
    scores = [one for key, one in by_key.items() if re.fullmatch("scores/[^:]*", key)]
    assert len(scores) > 50  # those of the tables too
    for one in scores:
        assert one["interval"]
        assert one["runs"] == one["seeds"] == 3
        (place,) = one["cells"]
        assert traces["cells"][place][0].startswith("targets/")
    assert any(one["more"] for one in traces["numbers"])  # a mean over many cells names some


def test_a_table_s_number_is_the_one_that_its_trace_names(mini_paper, mini):
    main = mini_paper.tables["main"]
    entry = main.rows[1][3]
    _, model, middle, arm, target, group = entry.number.split("/")
    row = mini.scores[
        (mini.scores["model"] == model) & (mini.scores["intermediate"] == middle)
        & (mini.scores["arm"] == arm) & (mini.scores["target"] == target)
        & (mini.scores["group"] == group)
    ]  # fmt: skip
    assert f"{row['score'].item():.1f}" == entry.text


def test_traces_cannot_end_the_element_they_stand_in(mini_paper):
    source = mini_paper.html.read_text()
    start = source.index('id="traces">') + len('id="traces">')
    assert "<" not in source[start : source.index("</script>", start)]


@pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")
def test_in_a_browser_the_script_runs_from_disk_and_asks_for_nothing(mini_paper, tmp_path):
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}",
        "--enable-logging=stderr", "--virtual-time-budget=3000", "--dump-dom",
        mini_paper.html.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr, done.stderr  # a refused request or an error is logged
    page = Page(done.stdout)
    assert all(attrs.get("role") == "button" for attrs in page.all("data"))
    heads = [attrs for attrs in page.all("th") if attrs.get("scope") == "col"]
    assert len(page.all("button")) == len(heads)
    assert page.all("dialog")


def test_no_template_or_mark_is_left(page):
    text = "".join(page.words)
    assert not re.search(r"[\ue000-\ue002]|\{\{|\{%|\[@|@fig:|@tab:|\bnan\b", text)


def test_items_are_in_their_language_and_have_a_font(mini_paper):
    page = Page(mini_paper.html.read_text())
    languages = {attrs["lang"] for attrs in page.all("td") if "lang" in attrs}
    assert {"en", "ru", "sw", "zh"} <= languages
    assert "data:font/woff" in mini_paper.html.read_text()
