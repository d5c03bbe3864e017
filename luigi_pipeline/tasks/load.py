"""Loading landed files into the raw tables, one writer at a time."""

from __future__ import annotations

import gc
import importlib
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import luigi
from luigi.cmdline_parser import CmdlineParser

from luigi_pipeline.core.digests import digest_file
from luigi_pipeline.core.errors import PipelineError, Rejected
from luigi_pipeline.core.months import Month
from luigi_pipeline.sources import Landed
from luigi_pipeline.sources.base import set_aside_if_rejected
from luigi_pipeline.state import markers
from luigi_pipeline.state.markers import Marker, PublishedFile
from luigi_pipeline.state.source_file import SourceFile
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.fetch import Fetch, FetchMonth, FetchZones
from luigi_pipeline.tasks.one_file import OneFile
from luigi_pipeline.tasks.parameters import MonthParameter, SourceParameter

if TYPE_CHECKING:
    from luigi_pipeline.warehouse.preparing import Prepared

log = logging.getLogger("luigi_pipeline.tasks")

_MONTHS = 1_000_000  # larger than 202412 and other months written as a number
# Packages that every load needs, and those that DuckDB and dlt import when they are first used.
_FOR_LOADS = (
    "dlt",
    "dlt.common.libs.pyarrow",
    "luigi_pipeline.sources.http",
    "luigi_pipeline.warehouse.destination",
    "luigi_pipeline.warehouse.loading",
    "pandas",
    "sqlalchemy",
)


class Load(OneFile, MobilityTask):
    """A published file in its raw table, whole and exactly once."""

    resources = {"warehouse": 1}

    @property
    def priority(self) -> int:  # type: ignore[override]  # Luigi reads it, and sets it never
        """Loads come before further fetches, so that the two overlap; small files first, and months in order."""
        month = int(self.of_month.compact) if self.of_month else 0
        return self.origin.priority * _MONTHS - month

    def requires(self) -> Fetch:
        """The landed file."""
        raise NotImplementedError

    def complete(self) -> bool:
        """Whether what is asked for today is loaded. The landed file is no longer needed then."""
        return self.reason() is None

    def reason(self) -> str | None:
        """Why the month must be loaded; None if it need not be."""
        return self.file.state.why_load

    def inputs(self) -> dict[str, Any]:
        """The loaded file, and the schema that its rows are cast to."""
        marker = self.marker()
        return self.file.inputs(marker.source) if marker and marker.source else {}

    def work(self) -> Marker:
        """Type the landed file and put its rows into the raw table."""
        file = self.file
        landed = self._landed(file)
        inputs, last = file.inputs(file.as_published(landed)), self.marker()
        if last and last.source and last.is_of(inputs):
            # The file was fetched again with equal content: the loaded rows stay, and so does everything made of them.
            return replace(
                last,
                request=file.request,
                sources=[_with_rows(file.as_published(landed), last.source.members)],
                details=last.details | {"summary": "the published file is the same"},
            )
        return self._load(file, landed, inputs)

    def on_success(self) -> None:
        """Delete the landed file, unless landed files are kept or another month still needs it."""
        marker = self.marker()
        if self.settings.download.keep_landed or marker is None or marker.source is None:
            return
        path = self.data.root / marker.source.path
        if not self._is_awaited(marker.source):
            path.unlink(missing_ok=True)
            path.with_name(f"{path.name}.json").unlink(missing_ok=True)

    def _load(self, file: SourceFile, landed: Landed, inputs: dict[str, Any]) -> Marker:
        import dlt
        import duckdb

        from luigi_pipeline.warehouse import database, loading

        scratch = self.data.scratch / "load"
        for left in (scratch, self.data.scratch / "ahead"):  # the latter by a killed run of the version before
            shutil.rmtree(left, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            prepared = self._type(landed)
            self.drop_marker()
            with database.writing(self.data, self.settings.warehouse) as connection:
                replaced = loading.loaded_file(connection, self.origin, self.of_month)
                load_id = loading.load(connection, self.data, self.origin, self.of_month, landed, prepared)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        for change in prepared.changes:
            if ": new column " in change:
                log.warning("%s: %s", self.title, change)
        for remark in prepared.remarks:
            log.info("%s: %s", self.title, remark)
        rows = sum(prepared.rows.values())
        summary = f"{rows:,} rows"
        if replaced and replaced["version"] == landed.version:
            replaced = None
        if replaced:
            summary = f"republished: {replaced['rows']:,} -> {summary}"
        return self.new_marker(
            inputs,
            request=file.request,
            sources=[_with_rows(file.as_published(landed), prepared.rows)],
            replaced=replaced,
            load_id=load_id,
            schema_changes=prepared.changes,
            versions={"dlt": dlt.__version__, "duckdb": duckdb.__version__},
            details={"rows": rows, "summary": summary, "left_out": prepared.remarks},
        )

    def _type(self, landed: Landed) -> Prepared:
        """Read a landed file and write its rows, typed, to a Parquet file in the scratch folder.

        This is the first half of a load, and no task of its own. Luigi holds a resource only while a task runs, so
        nothing would bound the number of typed files that wait for their loads.
        """
        from luigi_pipeline.warehouse import preparing

        scratch, limits = self.data.scratch / "load", self.settings.warehouse
        with self._rejecting(landed):
            parts = self.origin.parts(landed, self.of_month, scratch, self.settings.download)
            path = scratch / "typed.parquet"
            prepared = preparing.prepare(self.origin, landed, parts, self.of_month, path, limits)
            if self.of_month:
                preparing.check_month(self.origin, prepared, self.of_month, landed.path.name)
            for part in parts:
                if part.path != landed.path:
                    part.path.unlink()
            return prepared

    @contextmanager
    def _rejecting(self, landed: Landed) -> Iterator[None]:
        """If the file is rejected, set it aside and make the next run fetch it again."""
        try:
            with set_aside_if_rejected(landed.path, is_shared=self.origin.is_shared(landed)):
                yield
        except Rejected:
            self.requires().drop_marker()
            raise

    def _landed(self, file: SourceFile) -> Landed:
        landed = file.landed()
        if landed is None:
            raise PipelineError(f"{self.title}: its file in {self.data.landing} is gone; run again to fetch it")
        if digest_file(landed.path) != landed.sha256:
            landed.path.unlink()
            raise PipelineError(f"{landed.path} has changed since it was fetched; run again to fetch it anew")
        return landed

    def _is_awaited(self, file: PublishedFile) -> bool:
        """Whether a month that was fetched, and is not loaded, still needs the file: yearly archives are shared."""
        for path in (self.data.markers / "FetchMonth" / self.origin.name).glob("*.json"):
            fetched, month = markers.read(path), Month.or_none(path.stem)
            if month and fetched and fetched.source and fetched.source.path == file.path:
                load = LoadMonth(source=self.origin.name, month=month)
                if load.file.landed() and not load.complete():
                    return True
        return False


class LoadMonth(Load):
    """A month of a source in its raw table, whole and exactly once."""

    source = SourceParameter()
    month = MonthParameter(description="The month, YYYY-MM.")

    def requires(self) -> Fetch:
        """The month's fetch."""
        return FetchMonth(source=self.source, month=self.month)


class LoadZones(Load):
    """TLC's 265 taxi zones in `raw_data.taxi_zones`."""

    def requires(self) -> Fetch:
        """The fetch of the zone lookup."""
        return FetchZones()


def _with_rows(file: PublishedFile, members: dict[str, int]) -> PublishedFile:
    return replace(file, rows=sum(members.values()), members=members)


@Load.event_handler(luigi.Event.DEPENDENCY_DISCOVERED)  # type: ignore[untyped-decorator]
def _import_for_all_loads(_: Load, __: luigi.Task) -> None:
    """Import what loads need once, in the process that they are forked from, when Luigi schedules the first one.

    Each load would otherwise import it again. A run without loads imports none of it. Nor does a run from Python: the
    process goes on after it, and it has variables that the libraries must not see.
    """
    if CmdlineParser.get_instance() is None:
        return
    for name in _FOR_LOADS:
        importlib.import_module(name)
    # Modules stay in memory to the end. If the garbage collector leaves them alone, forked processes keep sharing their
    # memory pages, and the exit of this process is a second shorter.
    gc.freeze()
