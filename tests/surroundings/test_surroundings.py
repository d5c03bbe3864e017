"""What is set for other projects changes nothing: variables, and files in the home and the current folder."""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args, get_origin

import click
import pytest
from checksums import checksums
from fixtures import Config, Ingested, Run
from support import PROJECT

from luigi_pipeline.config.surroundings import PASSING
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Publishers
from luigi_pipeline.state import markers

# The rest of what the libraries look at, by their sources.
_OTHERS = {
    "DUCKDB_SQLALCHEMY_POOL": "queue",
    "DLT_CONFIG_FOLDER": "elsewhere",
    "DLT_DATA_DIR": "/nonexistent",
    "DLT_DEFAULT_NAMING_MODULE": "direct",
    "DLT_DLT_ID_LENGTH_BYTES": "4",
    "DLT_INTERVAL_START": "2020-01-01T00:00:00Z",
    "DLT_PROJECT_DIR": "/nonexistent",
    "DBT_ENGINE_RECORDER_MODE": "replay",
    "GX_ANALYTICS_ENABLED": "true",
    "GX_CLOUD_ACCESS_TOKEN": "token",
    "GX_CLOUD_ORGANIZATION_ID": "00000000-0000-0000-0000-000000000000",
    "GX_HOME": "/nonexistent",
    "XDG_DATA_HOME": "/nonexistent",
}


def _options_of_dbt() -> dict[str, str]:
    """Every variable that dbt's commands take, set to something else than its default."""
    from dbt.cli.main import cli

    set_to: dict[str, str] = {}
    for command in (cli, *cli.commands.values()):
        for option in command.params:
            names = [option.envvar] if isinstance(option.envvar, str) else list(option.envvar or [])
            set_to |= dict.fromkeys(names, _other(option))
    return set_to


def _other(option: click.Parameter) -> str:
    if isinstance(option.type, click.Choice):
        return str(next(choice for choice in option.type.choices if choice != option.default))
    if option.type is click.INT or isinstance(option.type, click.IntRange):
        return "7"
    if option.type is click.BOOL or getattr(option, "is_flag", False):
        return "0" if option.default else "1"
    return "something_else"


def _settings_of_dlt() -> dict[str, str]:
    """Every field of dlt's configuration specs, by itself and below its section, set to something else."""
    from dlt.common.configuration.specs.base_configuration import BaseConfiguration
    from dlt.common.exceptions import MissingDependencyException

    for package in ("common", "destinations.impl.duckdb", "extract", "load", "normalize", "pipeline"):
        module = importlib.import_module(f"dlt.{package}")
        for found in pkgutil.walk_packages(module.__path__, f"{module.__name__}."):
            with suppress(MissingDependencyException):  # of libraries that are not installed
                importlib.import_module(found.name)
    set_to: dict[str, str] = {}
    for spec in _below(BaseConfiguration):
        section = getattr(spec, "__section__", None)
        for name, hint in spec.get_resolvable_fields().items():
            value = _text_of(hint, getattr(spec, name, None))
            names = [name] if section is None else [name, f"{section}__{name}"]
            set_to |= {each.upper(): value for each in names}
    return set_to


def _below(kind: type[Any]) -> Iterator[type[Any]]:
    for spec in kind.__subclasses__():
        yield spec
        yield from _below(spec)


def _text_of(hint: Any, default: Any) -> str:
    kinds = [it for it in (get_args(hint) if get_origin(hint) is not None else [hint]) if it is not type(None)]
    if bool in kinds or isinstance(default, bool):
        return str(not default)
    if int in kinds or float in kinds:
        return "7"
    return "drop_sources" if default is None else "something_else"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder, home of someone and of a project, with files of all these libraries, most of them of no use."""
    folder = tmp_path / "elsewhere"
    for name, text in {
        ".dlt/config.toml": 'dataset_name_layout = "prod_%s"\n[load]\nworkers = = \n',
        ".dlt/secrets.toml": "= nonsense\n",
        ".dbt/profiles.yml": "nyc_mobility: {target: prod, outputs: {prod: {type: postgres}}}\n",
        ".duckdbrc": ".nonsense\n",
        ".great_expectations/great_expectations.conf": "nonsense\n",
        "dbt_project.yml": "name: another\nprofile: another\n",
        "gx/great_expectations.yml": "nonsense: [\n",
        "packages.yml": "nonsense: [\n",
        "profiles.yml": "nonsense: [\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_no_setting_of_the_libraries_changes_a_checksum(
    elsewhere: Path,
    tmp_path: Path,
    publishers: Publishers,
    config: Config,
    published: Ingested,
    run_luigi: Run,
) -> None:
    of_dbt, of_dlt = _options_of_dbt(), _settings_of_dlt()
    assert {"DBT_EMPTY", "DBT_WRITE_JSON", "DBT_DEFER", "DBT_PROFILE"} <= of_dbt.keys()
    assert {"REFRESH", "FULL_REFRESH", "DATASET_NAME_LAYOUT"} <= of_dlt.keys()
    variables = of_dbt | of_dlt | _OTHERS | {"HOME": str(elsewhere), "MOBILITY_PROJECT_DIR": str(PROJECT)}
    data = DataDir(tmp_path / "data")
    kept = {name: value for name, value in variables.items() if name not in ("PATH", "USER", "TZ")}
    result = run_luigi("Publish", data_dir=data.root, config=config(publishers.url), env=kept, cwd=elsewhere)
    assert result.returncode == 0, result.stdout + result.stderr
    assert checksums(data.warehouse) == checksums(published.data.warehouse)
    assert checksums(data.published) == checksums(published.data.published)
    built = [markers.read(found.markers / "DbtBuild.json") for found in (data, published.data)]
    assert built[0] is not None
    assert built[1] is not None
    assert built[0].details["tests"] == built[1].details["tests"] > 0


def test_made_up_variables_reach_no_process_and_those_that_luigi_cfg_names_do(
    tmp_path: Path, publishers: Publishers, config: Config, run_luigi: Run
) -> None:
    made_up = {"MADE_UP": "1", "DBT_ENV_CUSTOM_ENV_MADE_UP": "2", "made__up": "3"}
    given = {"TMPDIR": str(tmp_path), "LC_TIME": "C", "no_proxy": "localhost", "MAIL_PASSWORD": "secret"}
    luigi_cfg = tmp_path / "more.cfg"
    luigi_cfg.write_text("[smtp]\npassword = ${MAIL_PASSWORD}\n")
    env = made_up | given | {"LUIGI_CONFIG_PATH": str(luigi_cfg), "PYTHONPATH": str(Path(__file__).parent)}
    data = DataDir(tmp_path / "data")
    result = run_luigi("--module", "peek", "Peek", data_dir=data.root, config=config(publishers.url), env=env)
    assert result.returncode == 0, result.stdout + result.stderr
    marker = markers.read(data.markers / "Peek.json")
    assert marker is not None
    for variables in json.loads(marker.details["variables"]):
        assert variables.keys().isdisjoint(made_up)
        assert given.items() <= variables.items()


def test_the_page_on_the_configuration_lists_what_may_pass() -> None:
    page = (PROJECT / "config" / "README.md").read_text(encoding="utf-8")
    assert [name for name in PASSING if f"`{name}`" not in page] == []
