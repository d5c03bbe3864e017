"""Great Expectations' Data Docs, built beside the old ones and changed to work without a network."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from jinja2 import Environment, PackageLoader

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.data_context.data_context.ephemeral_data_context import (
        EphemeralDataContext,
    )
    from great_expectations.data_context.types.resource_identifiers import ValidationResultIdentifier

STYLE = "static/data_docs.css"

# Pages load Bootstrap, jQuery, Vega and a logo from five hosts. Their content needs none of them.
FOREIGN = re.compile(
    r'<link[^>]*\shref="https?://[^>]*>'
    r'|<img[^>]*\ssrc="https?://[^>]*>'
    r"|background: url\('https?://[^;]*;"
    # An icon that is not at the address that pages have for it.
    r'|<link[^>]*\srel="[^"]*icon"[^>]*>'
    # The pages' own scripts move Bootstrap's widgets, and would fail without Bootstrap.
    r"|<script\b.*?</script>"
    r"|<footer>.*?</footer>",
    re.IGNORECASE | re.DOTALL,
)


def build(context: EphemeralDataContext, folder: Path) -> None:
    """Build the Data Docs of everything in the context's stores.

    Args:
        context: The suites and validation results to show.
        folder: Replaced when the new Data Docs are complete. If building them fails, the old ones stay.
    """
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    context.add_data_docs_site(
        "local",
        {
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                # A dollar sign would begin a variable of Great Expectations' configuration.
                "base_directory": str(new.absolute()).replace("$", r"\$"),
            },
        },
    )
    context.build_data_docs(site_names=["local"])
    _make_local(context, new)
    _swap(new, folder)


def _make_local(context: EphemeralDataContext, site: Path) -> None:
    # Mostly pictures of a guided tour. Without scripts, no page uses them.
    shutil.rmtree(site / "static")
    (site / STYLE).parent.mkdir(parents=True)
    (site / STYLE).write_text(_template("data_docs.css"), encoding="utf-8")
    for page in site.rglob("*.html"):
        up = "../" * (len(page.relative_to(site).parts) - 1)
        text = FOREIGN.sub("", page.read_text(encoding="utf-8"))
        link = f'<link rel="stylesheet" href="{up}{STYLE}"></head>'
        page.write_text(text.replace("</head>", link, 1), encoding="utf-8")
    # Great Expectations' own index draws its table with scripts, so it is replaced.
    index = _template("data_docs_index.html", style=STYLE, suites=list(_suites(context, site)))
    (site / "index.html").write_text(index, encoding="utf-8")


def _suites(context: EphemeralDataContext, site: Path) -> Iterator[dict[str, object]]:
    store = context.validation_results_store
    keys = cast("list[ValidationResultIdentifier]", store.list_keys())
    for key in sorted(keys, key=lambda key: key.to_tuple()):
        name = key.expectation_suite_identifier.name
        result = cast("ExpectationSuiteValidationResult", store.get(key))
        results = result.results
        page = site.joinpath("validations", *key.to_tuple())
        page = page.with_name(f"{page.name}.html")
        yield {
            "name": name,
            "page": page.relative_to(site).as_posix(),
            "passed": sum(result.success is True for result in results),
            "total": len(results),
        }


def _template(name: str, **values: object) -> str:
    loader = PackageLoader("luigi_pipeline.validation", "static")
    return Environment(loader=loader, autoescape=True).get_template(name).render(**values)


def _swap(new: Path, folder: Path) -> None:
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
