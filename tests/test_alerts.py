"""Alerts: one message on a failure, one on the recovery, none else; and no server that is down holds up a run."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from fixtures import Chat, Config, Run
from support import load_settings

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import ConfigError
from luigi_pipeline.sample import Fault, Publishers


class Mailbox:
    """Takes what a mail server is given."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], str]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


@pytest.fixture
def mail() -> Iterator[tuple[int, Mailbox]]:
    """A mail server on a free port, and its mailbox."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield port, mailbox
    controller.stop()


def mail_server(folder: Path, port: int) -> dict[str, str]:
    """Luigi's own configuration of the mail server."""
    path = folder / "mail.cfg"
    path.write_text(f"[smtp]\nhost = 127.0.0.1\nport = {port}\n[email]\nsender = pipeline@example.org\n")
    return {"LUIGI_CONFIG_PATH": str(path)}


def test_one_message_on_a_failure_one_on_the_recovery_and_none_while_all_is_well(
    loaded: DataDir,
    tmp_path: Path,
    run_luigi: Run,
    publishers: Publishers,
    config: Config,
    mail: tuple[int, Mailbox],
    chat: Chat,
) -> None:
    (port, mailbox), url, posts = mail, chat.url, chat.posts
    env = mail_server(tmp_path, port)
    alerts = {"email": ["ops@example.org", "data@example.org"], "webhook": url}
    file = config(publishers.url, {"alerts": alerts})
    for kind in ("LoadMonth", "FetchMonth"):
        for path in (loaded.markers / kind / "citibike").glob("*.json"):
            path.unlink()
    for path in (loaded.landing / "citibike").iterdir():
        path.unlink()
    publishers.faults.add(Fault("-citibike-tripdata", kind="garbage", times=2))
    failed, recovered, well = (
        run_luigi("IngestCitibike", data_dir=loaded.root, config=file, env=env) for _ in range(3)
    )
    assert [it.returncode for it in (failed, recovered, well)] == [30, 0, 0], recovered.stderr
    assert len(posts) == len(mailbox.mails) == 2, "two tasks failed, in one message"
    assert [set(post) for post in posts] == [{"text"}, {"text"}]
    failure, recovery = (post["text"] for post in posts)
    assert "IngestCitibike on " in failure
    assert "failed (exit code 30)" in failure
    assert failure.count("FetchMonth citibike 2024-1") == 2
    assert "done (exit code 0); failed in the run of " in recovery
    sender, recipients, text = mailbox.mails[0]
    assert (sender, recipients) == ("pipeline@example.org", ["ops@example.org", "data@example.org"])
    assert "failed (exit code 30)" in text.partition("\n\n")[0].replace("\n ", " "), "the subject says it"


def test_servers_that_do_not_answer_neither_hold_up_nor_fail_a_run(
    loaded: DataDir, tmp_path: Path, run_luigi: Run, publishers: Publishers, config: Config
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        alerts = {"email": ["ops@example.org"], "webhook": f"http://127.0.0.1:{port}/hook", "timeout_seconds": 1}
        file = config(publishers.url, {"alerts": alerts})
        (loaded.markers / "LoadZones.json").unlink()
        (loaded.landing / "taxi_zones" / "taxi_zone_lookup.csv").unlink()
        publishers.faults.add(Fault("taxi_zone_lookup", kind="garbage"))
        result = run_luigi("LoadZones", data_dir=loaded.root, config=file, env=mail_server(tmp_path, port))
    assert result.returncode == 30
    assert "alert by email to ops@example.org: no answer in 1 s" in result.stderr
    assert "alert by webhook: " in result.stderr
    assert "/hook" not in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("alerts", [{"email": ["nobody"]}, {"webhook": "ftp://x"}, {"mail": []}])
def test_alerts_that_reach_no_one_are_told_by_their_key(alerts: dict[str, Any], config: Config) -> None:
    with pytest.raises(ConfigError, match="alerts"):
        load_settings(config("http://localhost", {"alerts": alerts}))
