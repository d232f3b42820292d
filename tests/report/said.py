"""What the manuscript says of made-up tables, as plain text."""

import re

from xstilts.report.evidence import evidence_of
from xstilts.report.numbers import CLOSE, OPEN, SPLIT, Numbers
from xstilts.report.wording import Wording


def say(tables) -> Wording:
    evidence = evidence_of(tables)
    return Wording(evidence, Numbers(evidence))


def plain(text: str) -> str:
    return re.sub(f"{OPEN}\\d+{SPLIT}([^{CLOSE}]*){CLOSE}", r"\1", text)
