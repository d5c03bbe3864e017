"""The state of a published file: whether its publisher must be asked, whether it must be loaded, and why."""

from dataclasses import replace

import pytest

from luigi_pipeline.state.markers import Marker, PublishedFile
from luigi_pipeline.state.month import Asking, FileState

FILE = PublishedFile("landing/citibike/202410.zip", "http://bucket/202410.zip", 1_000, "a" * 64)
OTHER = replace(FILE, sha256="b" * 64)
UNSETTLED = replace(FILE, settled_at="2024-11-10T00:00:00+00:00")

BEFORE, FETCHED, LOADED, LATER = (f"2024-11-{day:02}T06:00:00+00:00" for day in (1, 2, 3, 20))


def marker(task: str, file: PublishedFile, at: str, request: str = "asked for") -> Marker:
    """A marker of a fetch or a load."""
    return Marker(task, {}, "fingerprint", at, at, request=request, sources=[file])


fetched, loaded = marker("FetchMonth", FILE, FETCHED), marker("LoadMonth", FILE, LOADED)
nothing = FileState("asked for", None, None, None, is_landed=False, asking=Asking(LATER, is_refresh=False))
landed = replace(nothing, fetched=fetched, is_landed=True)
done = replace(landed, loaded=loaded)
refreshing = Asking(LATER, is_refresh=True)


@pytest.mark.parametrize(
    ("state", "why_fetch", "why_load"),
    [
        pytest.param(nothing, "not fetched yet", "not done yet", id="nothing is there"),
        pytest.param(landed, None, "not done yet", id="it has landed"),
        pytest.param(
            replace(landed, is_landed=False), "its file is gone from landing/", "not done yet", id="landing was emptied"
        ),
        pytest.param(
            replace(landed, fetched=marker("FetchMonth", FILE, FETCHED, "something else")),
            "not fetched yet",
            "not done yet",
            id="what has landed was asked for otherwise",
        ),
        pytest.param(done, None, None, id="it is loaded"),
        pytest.param(replace(done, is_landed=False), None, None, id="it is loaded and no longer in landing"),
        pytest.param(replace(done, fetched=None, is_landed=False), None, None, id="it is loaded, the fetch forgotten"),
        pytest.param(
            replace(done, loaded=None, why_outdated="the warehouse is gone"),
            None,
            "the warehouse is gone",
            id="the warehouse is gone",
        ),
        pytest.param(
            replace(done, why_outdated="columns has changed"), None, "columns has changed", id="the schema has changed"
        ),
        pytest.param(
            replace(done, request="another URL"),
            "not fetched yet",
            "the configuration asks for another file",
            id="another file is asked for",
        ),
        pytest.param(
            replace(done, fetched=marker("FetchMonth", OTHER, LATER)),
            None,
            f"another version was fetched: 202410.zip ({'a' * 16}) -> 202410.zip ({'b' * 16})",
            id="a republished file was fetched",
        ),
        pytest.param(
            replace(done, fetched=marker("FetchMonth", OTHER, BEFORE)),
            None,
            None,
            id="an older version was fetched before the load",
        ),
        pytest.param(
            replace(done, asking=refreshing),
            f"last asked for at {FETCHED[:16]}Z",
            "its publisher may have another version",
            id="a refresh asks again",
        ),
        pytest.param(
            replace(done, fetched=marker("FetchMonth", FILE, LATER), asking=refreshing),
            None,
            None,
            id="a refresh has asked",
        ),
        pytest.param(
            replace(done, fetched=marker("FetchMonth", UNSETTLED, FETCHED)),
            f"last asked for at {FETCHED[:16]}Z",
            "its publisher may have another version",
            id="its last values were not final",
        ),
    ],
)
def test_why_a_file_is_fetched_and_loaded(state: FileState, why_fetch: str | None, why_load: str | None) -> None:
    assert (state.why_fetch, state.why_load) == (why_fetch, why_load)


def test_a_file_is_due_while_its_publisher_alone_must_be_asked() -> None:
    assert replace(done, asking=refreshing).is_due
    assert not replace(done, fetched=marker("FetchMonth", OTHER, LATER)).is_due
    assert not replace(done, why_outdated="columns has changed").is_due
    assert not landed.is_due


@pytest.mark.parametrize(
    ("asked_at", "asks"),
    [
        ("2024-11-02T06:00:00+00:00", True),
        ("2024-11-20T00:30:00+00:00", False),  # today, and so not again
        ("2024-11-10T06:00:00+00:00", False),  # since its values are final
    ],
)
def test_a_file_with_open_values_is_asked_for_once_a_day_until_they_are_final(asked_at: str, asks: bool) -> None:
    open_until = replace(FILE, settled_at="2024-11-10T00:00:00+00:00")
    if asked_at.startswith("2024-11-20"):
        open_until = replace(FILE, settled_at="2024-11-30T00:00:00+00:00")
    assert Asking(LATER, is_refresh=False).asks_for(open_until, asked_at) is asks
