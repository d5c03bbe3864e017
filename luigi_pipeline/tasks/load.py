"""Loading landed files into the raw tables, one writer at a time."""

from __future__ import annotations

import functools
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from luigi_pipeline.config.settings import MONTHLY_SOURCES, Warehouse
from luigi_pipeline.core.digests import digest, digest_file
from luigi_pipeline.core.errors import PipelineError, Rejected
from luigi_pipeline.core.months import Month
from luigi_pipeline.run import runs
from luigi_pipeline.sources import SOURCES, Landed
from luigi_pipeline.sources.base import ROWS_VERSION, set_aside_if_rejected
from luigi_pipeline.state.markers import Marker, PublishedFile
from luigi_pipeline.tasks import ahead, warming
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.fetch import Fetch, FetchMonth, FetchZones
from luigi_pipeline.tasks.parameters import MonthParameter, SourceParameter

if TYPE_CHECKING:
    from luigi_pipeline.warehouse.preparing import Prepared

log = logging.getLogger("luigi_pipeline.tasks")

_ORDER = ("yellow_taxi", "citibike", "weather", "taxi_zones")  # the last one is loaded first
_MONTHS = 100_000  # larger than the ordinal of any month
_SMALL = 60_000  # bytes; a smaller file, such as a month of weather, is typed at once
_AHEAD = 0.25  # the share of DuckDB's memory for typing the next file while rows are inserted


class Load(MobilityTask):
    """A published file in its raw table, whole and exactly once."""

    resources = {"warehouse": 1}
    month: ClassVar[Any] = None  # a Month, if the file is of one

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make the task and set its priority.

        Loads come before further fetches, so that the two overlap. Small files come first; meanwhile a large one is
        typed ahead.
        """
        super().__init__(*args, **kwargs)
        source = self.parameters.get("source", "taxi_zones")
        self.priority = (1 + _ORDER.index(source)) * _MONTHS - (self.month.ordinal if self.month else 0)

    @property
    def fetch(self) -> Fetch:
        """The fetch that this load waits for."""
        raise NotImplementedError

    def requires(self) -> Fetch:
        """The landed file."""
        if runs.is_on():
            _import_for_all_loads()
            warming.load_follows(self.title)
        return self.fetch

    def complete(self) -> bool:
        """Whether what is asked for today is loaded. The landed file is no longer needed then."""
        return self.reason() is None

    def reason(self) -> str | None:
        """Why the month must be loaded; None if it need not be."""
        marker = self.marker()
        if marker is None or marker.source is None:
            return super().reason()
        if marker.request != self.fetch.request:
            return "the configuration asks for another file"
        return super().reason() or self.fetch.newer_than(marker)

    def loaded(self) -> Marker | None:
        """The marker, if it describes what is asked for today. The publisher may have a newer version by now."""
        marker = self.marker()
        return marker if marker and marker.request == self.fetch.request and super().reason() is None else None

    def is_settled_but_for_its_publisher(self) -> bool:
        """Whether the last known published file is loaded. A run would then only ask the publisher again."""
        marker = self.loaded()
        return marker is not None and not self.fetch.has_another_version(marker)

    def fingerprint(self) -> str:
        """Digest of everything that the result depends on."""
        marker = self.marker()
        if marker is None or marker.source is None:
            return super().fingerprint()
        return _digest_of_inputs(self.fetch.origin.name, _name_of(marker.source), marker.source.sha256)

    def inputs(self) -> dict[str, Any]:
        """The loaded file, and the schema that its rows are cast to."""
        marker = self.marker()
        return self._inputs_of(marker.source) if marker and marker.source else {}

    def work(self) -> Marker:
        """Type the landed file and put its rows into the raw table."""
        warming.load_begins()
        landed = self._landed()
        inputs = self._inputs_of(self.fetch.published(landed))
        last = self.marker()
        if last and last.source and last.fingerprint == digest(inputs):
            # The file was fetched again with equal content: the loaded rows stay, and so does everything made of them.
            return replace(
                last,
                request=self.fetch.request,
                sources=[self._published(landed, last.source.members)],
                details=last.details | {"summary": "the published file is the same"},
            )
        return self._load(landed, inputs)

    def on_success(self) -> None:
        """Delete the landed file, unless landed files are kept."""
        if not self.settings.download.keep_landed:
            self._drop_landed()

    def _load(self, landed: Landed, inputs: dict[str, Any]) -> Marker:
        import dlt
        import duckdb

        from luigi_pipeline.warehouse import database, loading

        source, month = self.fetch.origin, self.month
        scratch = self.data.scratch / "load"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            with self._rejecting(landed):
                typed_ahead = ahead.take(self._typed_ahead, self._key(inputs), scratch)
                prepared = typed_ahead or self._type(landed, scratch, self.settings.warehouse)
            self.drop_marker()
            with self._typing_next() as limits, database.writing(self.data, limits) as connection:
                replaced = loading.loaded_file(connection, source, month)
                load_id = loading.load(connection, self.data, source, month, landed, prepared)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        rows = sum(prepared.rows.values())
        for change in prepared.changes:
            if ": new column " in change:
                log.warning("%s: %s", self.title, change)
        for remark in prepared.remarks:
            log.info("%s: %s", self.title, remark)
        summary = f"{rows:,} rows"
        if replaced and replaced["version"] == landed.version:
            replaced = None
        if replaced:
            summary = f"republished: {replaced['rows']:,} -> {summary}"
        return self.new_marker(
            inputs,
            request=self.fetch.request,
            sources=[self._published(landed, prepared.rows)],
            replaced=replaced,
            load_id=load_id,
            schema_changes=prepared.changes,
            versions={"dlt": dlt.__version__, "duckdb": duckdb.__version__},
            details={
                "rows": rows,
                "summary": summary,
                "typed_ahead": typed_ahead is not None,
                "left_out": prepared.remarks,
            },
        )

    def _type(self, landed: Landed, folder: Path, limits: Warehouse, *, quietly: bool = False) -> Prepared:
        """Read a landed file and write its rows, typed, to a Parquet file in a folder."""
        from luigi_pipeline.warehouse import preparing

        source, month = self.fetch.origin, self.month
        parts = source.parts(landed, month, folder, self.settings.download)
        path = folder / "typed.parquet"
        prepared = preparing.prepare(source, landed, parts, month, path, limits, quietly=quietly)
        if month:
            preparing.check_month(source, prepared, month, landed.path.name)
        for part in parts:
            if part.path != landed.path:
                part.path.unlink()
        return prepared

    @contextmanager
    def _typing_next(self) -> Iterator[Warehouse]:
        """Type the file of the next load, if it has landed; yield what DuckDB may use meanwhile.

        A file that was typed before is kept if it is for one of the next two loads. The second may have been typed
        while the first was still being fetched.
        """
        limits = self.settings.warehouse
        following = {
            load._key(load._inputs_of(load.fetch.published(landed))): (load, landed)
            for load, landed in islice(self._following(), 2)
        }
        ahead.clear(self._typed_ahead, but=following)
        key = next(iter(following), None)
        if key is None or ahead.is_typed(self._typed_ahead, key):
            yield limits
            return
        load, landed = following[key]
        work = partial(load._type, landed, limits=limits.share(_AHEAD, threads=1), quietly=True)
        with ahead.typing(self._typed_ahead, key, work):
            yield limits.share(1 - _AHEAD, limits.threads)

    def _following(self) -> Iterator[tuple[Load, Landed]]:
        """The loads whose files wait in `landing/`, by priority, without small files."""
        months = {
            name: {*SOURCES[name].months(self.settings), *runs.wanted_months.get(name, [])} for name in MONTHLY_SOURCES
        }
        loads = [LoadMonth(source=name, month=month) for name, wanted in months.items() for month in wanted]
        for load in sorted(loads, key=lambda load: -load.priority):
            landed = load.fetch.landed()
            if landed is None or landed.size <= _SMALL or load.title == self.title:
                continue
            if not load.complete() and load.fetch.complete():
                yield load, landed

    def _key(self, inputs: dict[str, Any]) -> str:
        """The key of a typed file. It has the task's title in it, because one yearly archive holds several months."""
        return digest([self.title, digest(inputs)])

    @property
    def _typed_ahead(self) -> Path:
        return self.data.scratch / "ahead"

    @contextmanager
    def _rejecting(self, landed: Landed) -> Iterator[None]:
        """If the file is rejected, set it aside and make the next run fetch it again."""
        try:
            with set_aside_if_rejected(landed.path, is_shared=self.fetch.origin.is_shared(landed)):
                yield
        except Rejected:
            self.fetch.drop_marker()
            raise

    def _landed(self) -> Landed:
        landed = self.fetch.landed()
        if landed is None:
            raise PipelineError(f"{self.title}: its file in {self.data.landing} is gone; run again to fetch it")
        if digest_file(landed.path) != landed.sha256:
            landed.path.unlink()
            raise PipelineError(f"{landed.path} has changed since it was fetched; run again to fetch it anew")
        return landed

    def _published(self, landed: Landed, members: dict[str, int]) -> PublishedFile:
        return replace(self.fetch.published(landed), rows=sum(members.values()), members=members)

    def _inputs_of(self, file: PublishedFile) -> dict[str, Any]:
        return _inputs(self.fetch.origin.name, _name_of(file), file.sha256)

    def _drop_landed(self) -> None:
        marker = self.marker()
        if marker and marker.source:
            path = self.data.root / marker.source.path
            if not _is_awaited(path, [*self.settings.sources.citibike.months, *runs.wanted_months.get("citibike", [])]):
                path.unlink(missing_ok=True)
                path.with_name(f"{path.name}.json").unlink(missing_ok=True)


class LoadMonth(Load):
    """A month of a source in its raw table, whole and exactly once."""

    source = SourceParameter()
    month = MonthParameter(description="The month, YYYY-MM.")

    @property
    def fetch(self) -> Fetch:
        """The month's fetch."""
        return FetchMonth(source=self.source, month=self.month)


class LoadZones(Load):
    """TLC's 265 taxi zones in `raw_data.taxi_zones`."""

    @property
    def fetch(self) -> Fetch:
        """The fetch of the zone lookup."""
        return FetchZones()


def _inputs(source: str, name: str, sha256: str) -> dict[str, Any]:
    declared = SOURCES[source]
    columns = {raw: kind for raw, kind in declared.columns.items() if raw not in declared.added}
    return {"version": ROWS_VERSION, "name": name, "sha256": sha256, "columns": columns}


@functools.lru_cache(maxsize=4096)
def _digest_of_inputs(source: str, name: str, sha256: str) -> str:
    """Cached, because every task that looks at all loads computes it again."""
    return digest(_inputs(source, name, sha256))


def _name_of(file: PublishedFile) -> str:
    """The file's name. It is part of `_source_file`, and so of the keys of trips without a key of their own."""
    return file.path.rpartition("/")[2]


def _import_for_all_loads() -> None:
    """Import what fetches and loads need, once, in the process that they are forked from.

    Luigi asks a load for its requirements only if it is not complete. So a run without loads imports none of this.
    """
    warming.import_modules(
        "dlt",
        "dlt.common.libs.pyarrow",
        "luigi_pipeline.sources.http",
        "luigi_pipeline.warehouse.destination",
        "luigi_pipeline.warehouse.loading",
        # DuckDB and dlt import these when they are first used, which would cost each load 0.4 s.
        "pandas",
        "sqlalchemy",
    )


def _is_awaited(path: Path, months: list[Month]) -> bool:
    """Whether another month still needs the file. The months of a yearly archive share one file."""
    for month in months:
        landed = FetchMonth(source="citibike", month=month).landed()
        if landed and landed.path == path and not LoadMonth(source="citibike", month=month).complete():
            return True
    return False
