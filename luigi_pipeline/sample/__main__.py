"""The command line of the offline sample."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from luigi_pipeline.sample.generator import (
    DEFAULT_MONTHS,
    DEFAULT_ROWS,
    DEFAULT_SEED,
    generate,
)
from luigi_pipeline.sample.server import ARCHIVE, BUCKET, Publishers

_ABOUT = f"""\
An offline sample of the three publishers.

  generate  writes seeded files in their true formats: TLC's yellow taxi Parquet and zone lookup,
            CitiBike's zips, Open-Meteo's hourly weather
  serve     answers on loopback as the publishers do, from such a folder

Set the base_url of each source in the configuration to what `serve` prints:
yellow_taxi URL, citibike URL{BUCKET}, weather URL{ARCHIVE}."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m luigi_pipeline.sample",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    make = commands.add_parser(
        "generate",
        help="write the sample files to a folder",
        description="Write the sample files. The same arguments give the same bytes; a month made "
        "alone equals the month made with others.",
    )
    make.add_argument("folder", type=Path, metavar="FOLDER", help="made where it is missing")
    make.add_argument(
        "--months",
        nargs="+",
        default=DEFAULT_MONTHS,
        metavar="YYYY-MM",
        help=f"months to write (default: {' '.join(DEFAULT_MONTHS)})",
    )
    make.add_argument(
        "--trips",
        type=int,
        default=DEFAULT_ROWS,
        metavar="N",
        help="taxi trips, and as many bike rides, in each month (default: %(default)s)",
    )
    make.add_argument(
        "--seed",
        type=int,
        default=DEFAULT_SEED,
        metavar="N",
        help="another number gives other trips and other weather (default: %(default)s)",
    )

    serve = commands.add_parser(
        "serve",
        help="serve a folder of published files on 127.0.0.1",
        description="Serve a folder on 127.0.0.1 until interrupted; the URL is printed first.",
    )
    serve.add_argument("folder", type=Path, metavar="FOLDER", help="a folder that generate wrote")
    serve.add_argument("--port", type=int, default=0, metavar="N", help="port to listen on (default: a free one)")
    return parser


def _generate(options: argparse.Namespace) -> None:
    begun = time.perf_counter()
    rows = generate(
        options.folder,
        months=options.months,
        taxi_trips_per_month=options.trips,
        rides_per_month=options.trips,
        seed=options.seed,
    )
    trips = sum(count for path, count in rows.items() if path.startswith("trip"))
    seconds = time.perf_counter() - begun
    print(f"{options.folder}: {len(rows)} files, {trips:,} trips, {seconds:.1f} s")


def _serve(options: argparse.Namespace) -> None:
    publishers = Publishers(options.folder, port=options.port)
    print(f"serving {options.folder} at {publishers.url}", flush=True)
    try:
        publishers.serve_forever()
    except KeyboardInterrupt:
        return


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The command line without the program; None for that of the process.

    Returns:
        The exit code: 0 done, 1 refused (2 comes from argparse).
    """
    options = _parser().parse_args(arguments)
    try:
        (_generate if options.command == "generate" else _serve)(options)
    except (ValueError, OSError, OverflowError) as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
