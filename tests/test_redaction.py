"""No secret is shown, whatever the text around it, and nothing that is shown commands a terminal."""

import logging

import pytest

from luigi_pipeline.console.logs import ConsoleFormatter, FileFormatter
from luigi_pipeline.core.errors import FetchFailed, one_line
from luigi_pipeline.core.redaction import printable, redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:hush@host/x", "https://***@host/x"),
        ("https://hush@host/x", "https://***@host/x"),
        ("https://user:hu@sh@host/x", "https://***@host/x"),
        ("GET http://u:hush@h:8/ and ftp://v:hush@i", "GET http://***@h:8/ and ftp://***@i"),
        ("https://h/x?apikey=hush", "https://h/x?apikey=***"),
        ("https://h/x?a=1&api_key=hush&b=2", "https://h/x?a=1&api_key=***&b=2"),
        (
            "https://h/x?X-Amz-Signature=hush&X-Amz-Credential=hush",
            "https://h/x?X-Amz-Signature=***&X-Amz-Credential=***",
        ),
        ("https://h/x?sig=hush&se=2024", "https://h/x?sig=***&se=2024"),
        ("https://h/x?TOKEN=hush#part", "https://h/x?TOKEN=***#part"),
        ("URL('https://u:hush@h/x?password=hush')", "URL('https://***@h/x?password=***')"),
        ("https://h/a@b?x=1", "https://h/a@b?x=1"),
        ("https://h/x?latitude=40.7&hourly=rain", "https://h/x?latitude=40.7&hourly=rain"),
        ("mail me@home: no URL", "mail me@home: no URL"),
    ],
)
def test_the_secrets_of_urls_are_hidden_and_nothing_else(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_what_a_terminal_would_obey_is_shown() -> None:
    assert printable("a\x1b[2Jb\n  c\u202ed\x00é東") == "a\\x1b[2Jb c\\u202ed\\x00é東"


def test_an_error_is_one_line_without_secrets_however_it_is_printed() -> None:
    error = FetchFailed("https://u:hush@h/x: answered\n\x1b[31mno")
    assert str(error) == "https://***@h/x: answered \\x1b[31mno"
    assert one_line(ValueError("http://u:hush@h\nx")) == "http://***@h x"


def record(message: str, *arguments: object, name: str = "luigi_pipeline.x") -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, "", 0, message, arguments, None)


def test_neither_the_console_nor_the_log_file_has_a_secret() -> None:
    said = record("%s is down", "https://u:hush@h/x?apikey=hush")
    for formatter in (ConsoleFormatter(), FileFormatter()):
        text = formatter.format(said)
        assert "https://***@h/x?apikey=*** is down" in text


def test_a_traceback_in_the_log_file_has_no_secret() -> None:
    try:
        raise ValueError("https://u:hush@h")
    except ValueError as error:
        failed = record("failed")
        failed.exc_info = (ValueError, error, error.__traceback__)
    text = FileFormatter().format(failed)
    assert "Traceback" in text
    assert "ValueError: https://***@h" in text
