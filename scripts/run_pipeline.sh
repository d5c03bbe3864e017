#!/usr/bin/env bash
# Run a stage of the pipeline, for people and cron. The exit code is Luigi's: 0 done, 10 another run is going on,
# 15 not run, 20 a month is not published yet, 30 a task failed, 35 scheduling error, 40 the configuration or the code.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/run_pipeline.sh STAGE [LUIGI OPTIONS]

  full             fetch, load, build, validate and publish (Publish)
  ingestion        fetch and load (Ingest)
  transformation   build and test the models, after loading what is missing (DbtBuild)
  validate         the same without publishing (Validate)

Options go to luigi: --workers 4, --mobility-config FILE, --mobility-data-dir DIR, ...
TEXT
}

case "${1:-}" in
    full) task=Publish ;;
    ingestion) task=Ingest ;;
    transformation) task=DbtBuild ;;
    validate) task=Validate ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
esac
shift

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export MOBILITY_PROJECT_DIR=${MOBILITY_PROJECT_DIR:-$project}
export PATH="$project/.venv/bin:$PATH"
exec luigi --module luigi_pipeline "$task" "$@"
