"""Proxies and certificates that the environment names, over real HTTP: by a proxy on loopback that counts."""

import datetime as dt
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fixtures import Config, Run
from proxying import Proxy
from support import ONE_MONTH

from luigi_pipeline.config.settings import Alerts, Download
from luigi_pipeline.core.errors import FetchFailed, Unavailable
from luigi_pipeline.run.account import Report
from luigi_pipeline.run.alerts import send
from luigi_pipeline.sample import Publishers
from luigi_pipeline.sources.http import Publisher
from luigi_pipeline.sources.proxies import proxy_for

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir")
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def environment_without_any(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NAMES, *map(str.upper, NAMES)):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that nobody else has signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture(scope="module")
def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """What a server with that certificate needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


class _Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(b"published")

    def do_POST(self) -> None:
        posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(b"", 200 if posted["text"].startswith("failed") else 400)

    def _answer(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def start() -> Iterator[Callable[..., str]]:
    """Start a publisher, with TLS or without, and give its host and port."""
    servers: list[HTTPServer] = []

    def starting(tls: ssl.SSLContext | None = None) -> str:
        server = HTTPServer(("127.0.0.1", 0), _Answering)
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"127.0.0.1:{server.server_port}"

    yield starting
    for server in servers:
        server.shutdown()
        server.server_close()


def get(url: str) -> bytes:
    """Ask a publisher as a fetch does."""
    with Publisher(Download(timeout_seconds=5, max_attempts=1)) as publisher:
        return publisher.get(url)


# What the environment says, with the proxy's port; the proxy's login.
FORMS: dict[str, tuple[dict[str, str], str | None]] = {
    "lower case": ({"http_proxy": "http://127.0.0.1:{}"}, None),
    "upper case": ({"HTTP_PROXY": "http://127.0.0.1:{}"}, None),
    "a slash at the end": ({"http_proxy": "http://127.0.0.1:{}/"}, None),
    "blanks around it": ({"http_proxy": " http://127.0.0.1:{} "}, None),
    "no scheme": ({"http_proxy": "127.0.0.1:{}"}, None),
    "a scheme in upper case": ({"http_proxy": "HTTP://127.0.0.1:{}"}, None),
    "for all": ({"all_proxy": "http://127.0.0.1:{}"}, None),
    "for all, upper case": ({"ALL_PROXY": "127.0.0.1:{}"}, None),
    "lower case before upper case": ({"http_proxy": "127.0.0.1:{}", "HTTP_PROXY": NOBODY}, None),
    "its own before that for all": ({"HTTP_PROXY": "127.0.0.1:{}", "all_proxy": NOBODY}, None),
    "another scheme's": ({"https_proxy": NOBODY, "ALL_PROXY": "127.0.0.1:{}"}, None),
    "an empty one": ({"http_proxy": "", "HTTP_PROXY": "127.0.0.1:{}"}, None),
    "others excepted": ({"http_proxy": "127.0.0.1:{}", "no_proxy": "example.org,10.0.0.0/8"}, None),
    "a password": ({"http_proxy": "http://user:hush@127.0.0.1:{}"}, "user:hush"),
    "a password, and no scheme": ({"http_proxy": "user:hush@127.0.0.1:{}"}, "user:hush"),
    "an escaped password": ({"http_proxy": "http://us%40er:h%3Ash%2F@127.0.0.1:{}"}, "us@er:h:sh/"),
    "an @ in a password": ({"http_proxy": "http://user:hu@sh@127.0.0.1:{}"}, "user:hu@sh"),
    "no password": ({"http_proxy": "http://user@127.0.0.1:{}"}, "user:"),
    "SOCKS": ({"all_proxy": "socks5://127.0.0.1:{}"}, None),
    "SOCKS that looks up names": ({"ALL_PROXY": "socks5h://127.0.0.1:{}"}, None),
    "SOCKS as desktops write it": ({"ALL_PROXY": "socks://127.0.0.1:{}/"}, None),
    "SOCKS for one scheme": ({"http_proxy": "socks5h://127.0.0.1:{}"}, None),
    "SOCKS with a password": ({"all_proxy": "socks5://user:h%40sh@127.0.0.1:{}"}, "user:h@sh"),
}


@pytest.mark.parametrize(("variables", "login"), FORMS.values(), ids=FORMS)
def test_a_publisher_is_asked_by_the_proxy_that_a_variable_names(
    variables: dict[str, str], login: str | None, start: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = start()
    with Proxy(login) as proxy:
        for name, value in variables.items():
            monkeypatch.setenv(name, value.format(proxy.port))
        assert get(f"http://{publisher}/file") == b"published"
    socks = any("socks" in value for value in variables.values())
    assert proxy.seen == [("SOCKS" if socks else "GET", "127.0.0.1", int(publisher.partition(":")[2]))]


@pytest.mark.parametrize("proxied_by", ["http", "https", "socks5h"])
def test_a_publisher_with_tls_is_asked_through_a_tunnel(
    proxied_by: str,
    start: Callable[..., str],
    certificate: tuple[Path, Path],
    tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publisher = start(tls)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with Proxy("user:hush", tls if proxied_by == "https" else None) as proxy:
        monkeypatch.setenv("https_proxy", f"{proxied_by}://user:hush@127.0.0.1:{proxy.port}")
        assert get(f"https://{publisher}/file") == b"published"
    how = "SOCKS" if proxied_by == "socks5h" else "CONNECT"
    assert proxy.seen == [(how, "127.0.0.1", int(publisher.partition(":")[2]))]


def test_a_certificate_that_nothing_vouches_for_is_refused(start: Callable[..., str], tls: ssl.SSLContext) -> None:
    with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
        get(f"https://{start(tls)}/file")


# What no_proxy says, a host (and port), whether it is excepted. As curl has it, and others.
EXCEPTIONS = [
    ("*", "example.org", True),
    ("a.org, *", "example.org", True),
    ("", "example.org", False),
    ("example.org", "example.org", True),
    ("example.org", "www.example.org", True),
    ("example.org", "notexample.org", False),
    (".example.org", "www.example.org", True),
    (".example.org", "example.org", True),
    ("*.example.org", "www.example.org", True),
    ("example.org.", "example.org", True),
    ("example.org", "example.org.", True),
    ("EXAMPLE.org", "Example.ORG", True),
    ("a.org,example.org", "example.org", True),
    ("a.org example.org", "example.org", True),
    ("a.org,, example.org ,", "example.org", True),
    ("www.example.org", "example.org", False),
    ("example.org:8080", "example.org:8080", True),
    ("example.org:8080", "example.org:8081", False),
    ("example.org:80", "example.org", True),
    ("localhost", "localhost:8082", True),
    ("localhost", "127.0.0.1", False),
    ("127.0.0.1", "127.0.0.1", True),
    ("127.0.0.1:9", "127.0.0.1:9", True),
    ("127.0.0.1:9", "127.0.0.1:10", False),
    ("127.0.0.1", "127.0.0.11", False),
    ("10.0.0.0/8", "10.1.2.3", True),
    ("10.1.2.3/8", "10.9.9.9", True),
    ("10.0.0.0/8", "11.1.2.3", False),
    ("10.0.0.0/33", "10.0.0.0", False),
    ("10.0.0.0/8:80", "10.1.2.3", True),
    ("1", "10.0.0.1", False),
    (".1", "127.0.0.1", False),
    ("::1", "[::1]", True),
    ("[::1]", "[::1]", True),
    ("[::1]:80", "[::1]", True),
    ("[::1]:81", "[::1]", False),
    ("0:0:0:0:0:0:0:1", "[::1]", True),
    ("fd07:b51a:cc66:f0::/64", "[fd07:b51a:cc66:f0::5]", True),
    ("[fd07:b51a:cc66:f0::]/64", "[fd07:b51a:cc66:f0::5]", True),
    ("fd07:b51a:cc66:f0::/64", "[fd07:b51a:cc66:f1::5]", False),
    ("fd07:b51a:cc66:f0::/64", "10.0.0.1", False),
    ("fd07:b51a:cc66:f0::/64", "example.org", False),
    ("10.0.0.0/8", "[::1]", False),
    ("not/a/thing:at:all,[,],:,/,.", "example.org", False),
]


@pytest.mark.parametrize(("excepted", "host", "is_excepted"), EXCEPTIONS)
@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
def test_hosts_that_are_excepted_are_asked_without(variable: str, excepted: str, host: str, is_excepted: bool) -> None:
    found = proxy_for(httpx.URL(f"http://{host}/file"), {"ALL_PROXY": NOBODY, variable: excepted})
    assert (found is None) == is_excepted


# Of no use, but named in one line, and without a password; each is of no account where it is not needed.
USELESS = [
    "socks4://127.0.0.1:1080",
    "socks4a://user:hush@127.0.0.1:1080",
    "ftp://127.0.0.1:21",
    "http://",
    "http://127.0.0.1:port",
    "http://127.0.0.1:99999",
    "http://user:hu/hush@127.0.0.1:80",
    "http://[::1",
    "127.0.0.1:80:hush",
]


@pytest.mark.parametrize("value", USELESS)
@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_what_names_no_proxy_is_told_by_its_variable(
    variable: str, value: str, start: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = start()
    monkeypatch.setenv(variable, value)
    with pytest.raises(FetchFailed, match=f"^{variable} names no proxy that can be used: host:port is one") as told:
        get(f"http://{publisher}/file")
    assert "hush" not in str(told.value)
    monkeypatch.setenv("no_proxy", "127.0.0.0/8")
    assert get(f"http://{publisher}/file") == b"published"


@pytest.mark.parametrize("kind", ["http", "https", "socks5"])
def test_a_proxy_that_does_not_answer_or_lets_no_one_in_is_told_by_its_variable(
    kind: str, start: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"{kind}://user:hush@127.0.0.1:9")
    with pytest.raises(Unavailable, match=r"by the proxy that ALL_PROXY names: .*refused") as told:
        get(f"http://{start()}/file")
    assert "hush" not in str(told.value)
    with Proxy("user:other") as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{kind.replace('https', 'http')}://user:hush@127.0.0.1:{proxy.port}")
        with pytest.raises(FetchFailed, match=r"by the proxy that ALL_PROXY names|HTTP 407") as refused:
            get(f"http://{start()}/file")
    assert "hush" not in str(refused.value)
    assert proxy.seen == []


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("SSL_CERT_FILE", "/nowhere/cert.pem", "/nowhere/cert.pem: No such file or directory; name a file"),
        ("SSL_CERT_FILE", "/", "/: Is a directory; name a file"),
        ("SSL_CERT_FILE", __file__, "NO_CERTIFICATE_OR_CRL_FOUND"),
        ("SSL_CERT_DIR", "/nowhere", "there is no folder /nowhere; name one"),
        ("SSL_CERT_DIR", "/nowhere:/etc/hostname", "there is no folder /nowhere:/etc/hostname; name one"),
    ],
)
def test_certificates_that_are_not_there_are_told_by_their_variable(
    variable: str, value: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(FetchFailed) as told:
        get("https://127.0.0.1:9/file")
    assert str(told.value).startswith(f"{variable}: ")
    assert why in str(told.value)
    monkeypatch.setenv(variable, "")
    with pytest.raises(FetchFailed, match="refused"):
        get("https://127.0.0.1:9/file")


def test_an_alert_goes_by_the_same_way(start: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    hook = start()
    with Proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "fd07:b51a:cc66:f0::/64")
        assert send(Report("failed"), Alerts(webhook=f"http://{hook}/hook"))
    assert proxy.seen == [("POST", "127.0.0.1", int(hook.partition(":")[2]))]


def test_a_run_goes_by_the_proxy_and_writes_its_password_nowhere(
    publishers: Publishers, config: Config, run_luigi: Run, tmp_path: Path
) -> None:
    with Proxy("user:hush") as proxy:
        env = {"all_proxy": f"socks://user:hush@127.0.0.1:{proxy.port}/", "NO_PROXY": "fd07:b51a:cc66:f0::/64"}
        result = run_luigi(
            "IngestWeather", data_dir=tmp_path / "data", config=config(publishers.url, ONE_MONTH), env=env
        )
    assert result.returncode == 0, result.stderr
    assert {seen[0] for seen in proxy.seen} == {"SOCKS"}
    assert len(proxy.seen) == len(publishers.log) > 0
    written = [path for path in (tmp_path / "data").rglob("*") if path.is_file() and b"hush" in path.read_bytes()]
    assert (written, "hush" in result.stderr) == ([], False)


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("all_proxy", "socks4://user:hush@127.0.0.1:1080", "all_proxy names no proxy that can be used"),
        ("SSL_CERT_FILE", "/nowhere/cert.pem", "SSL_CERT_FILE: /nowhere/cert.pem: No such file or directory"),
    ],
)
def test_a_run_that_can_not_fetch_by_what_the_environment_names_says_so_in_one_line(
    variable: str, value: str, why: str, publishers: Publishers, config: Config, run_luigi: Run, tmp_path: Path
) -> None:
    file = config(publishers.url, ONE_MONTH)
    result = run_luigi("IngestWeather", data_dir=tmp_path / "data", config=file, env={variable: value})
    assert result.returncode == 30, result.stderr
    (line,) = [line for line in result.stderr.splitlines() if "error: " in line]
    assert f"FetchMonth weather 2024-10 failed: {why}" in line
    assert "Traceback" not in result.stderr
    assert "hush" not in result.stderr
