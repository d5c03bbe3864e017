"""The pages: every link leads somewhere, every page can be reached, and the README stays short."""

import re
from pathlib import Path

import pytest
from support import PROJECT

PAGES = [*PROJECT.glob("*.md"), PROJECT / "config" / "README.md", *PROJECT.glob("docs/**/*.md")]
MOST_LINES = 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [link for link in links(page) if not leads_somewhere(page, link)] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached = {PROJECT / "README.md"}
    for _ in PAGES:
        linked = {(page.parent / link.partition("#")[0]).resolve() for page in reached for link in links(page)}
        reached |= linked.intersection(PAGES)
    assert set(PAGES) - reached == set()


def test_the_readme_is_short() -> None:
    assert len((PROJECT / "README.md").read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def links(page: Path) -> list[str]:
    """Links and pictures of a page that lead to other files of the project, or to its own headings."""
    text = prose(page)
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset|href)="([^"]+)"', text)
    return [link for link in found if "://" not in link]


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether there is such a file, and in it such a heading."""
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return False
    return not anchor or anchor in anchors(target)


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page: in lower case, without punctuation, blanks as hyphens."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
