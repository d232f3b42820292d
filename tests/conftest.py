"""What all tests share: modules beside this file, and parameters that are never stale."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

#: how long an example takes says more of the machine than of the code
settings.register_profile("project", deadline=None)
settings.load_profile("project")
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _no_stale_params(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Empty the caches of parameters after a test that read another project's."""
    from xstilts.params import project_root

    before = project_root()
    yield  # `monkeypatch` is undone after this fixture, so a changed root still shows
    if project_root() != before:
        from synthetic import forget

        forget()
