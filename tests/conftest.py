"""What all tests share: an environment that is nobody's own, and real servers."""

import contextlib
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.servers.alertmanager import Alertmanager, alertmanager
from tests.servers.postgres import Postgres, postgres
from tests.servers.prometheus import Prometheus, Series, prometheus, week_of_history
from tests.servers.serving import CHECKOUT, TrackerServer, tracker_server
from tests.servers.slack import FakeSlack, fake_slack, fake_teams, fake_webhook
from tests.servers.webhooks import Receiver, webhook_receiver

# A busy machine is slow: no property is judged by the time that an example takes. Examples differ at each run.
settings.register_profile(
    "any machine", max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

_FOREIGN_PREFIXES = ("TRACKER_", "POSTGRES_", "PG", "SQLITE_", "GIT_", "SENTRY_", "XDG_", "MPL")
_FOREIGN_NAMES = (
    *("PERSISTENCE_MODULE", "IS_SNAPSHOTTING_ENABLED", "COMPRESSOR_TOPIC", "CIPHER_TOPIC", "CIPHER_KEY"),
    *("EDITOR", "VISUAL", "PAGER", "NO_COLOR", "FORCE_COLOR", "LANGUAGE", "LC_TIME", "LC_NUMERIC"),
    # With it each start of a command compiles all that it imports, which is half of its time.
    "PYTHONDONTWRITEBYTECODE",
)

# Nobody's zone, and 5:45 from UTC: an answer that follows the machine's clock shows at once.
ZONE = "Asia/Kathmandu"


_REAL_SERVERS = {
    *("make_server", "make_prometheus", "prometheus_server", "make_alertmanager"),
    *("alertmanager_server", "postgres_server", "postgres_url", "bugsink_server"),
}
SLOW_SECONDS = 1800
_COUNTED_ALIKE = 4


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what starts a real server as slow, and give all that is slow more time.

    Lines are not counted in these, nor while a property is tried on many examples, nor in more than the first few of
    many like cases: counting makes a test twice as long, and nearly all that these reach is reached by the others.
    """
    alike: Counter[str] = Counter()
    for item in items:
        assert isinstance(item, pytest.Function)
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        if _REAL_SERVERS & set(item.fixturenames) or parameters.get("store_url") == "postgresql":
            item.add_marker(pytest.mark.slow)
        name = item.nodeid.partition("[")[0]
        alike[name] += 1
        is_property = getattr(item.function, "is_hypothesis_test", False)
        if is_property or item.get_closest_marker("slow") or alike[name] > _COUNTED_ALIKE:
            item.add_marker(pytest.mark.no_cover)
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS))


@pytest.fixture(scope="session", autouse=True)
def _environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the environment of whoever runs the tests out, for tests and for what they start."""
    home = tmp_path_factory.mktemp("home")
    # A shell starts a job in the background with Ctrl-C ignored, which what the tests start would inherit.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # under nohup
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    git = home / ".gitconfig"
    git.write_text(
        "[user]\n\tname = Ada Example\n\temail = ada@example.com\n"
        "[init]\n\tdefaultBranch = main\n[commit]\n\tgpgSign = false\n[tag]\n\tgpgSign = false\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(_FOREIGN_PREFIXES) or name in _FOREIGN_NAMES:
                patch.delenv(name)
        for name, value in {
            "HOME": str(home),
            "GIT_CONFIG_GLOBAL": str(git),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "TZ": ZONE,
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "100",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "MPLBACKEND": "Agg",
            # Kept from run to run: matplotlib takes seconds to list the fonts of a new home.
            "MPLCONFIGDIR": str(Path(tempfile.gettempdir()) / f"tracker-tests-matplotlib-{os.getuid()}"),
        }.items():
            patch.setenv(name, value)
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(scope="session")
def prometheus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus with the week of `tests.servers.prometheus.week_of_history`; shared, so leave it running."""
    with prometheus(tmp_path_factory.mktemp("prometheus"), week_of_history()) as server:
        yield server


@pytest.fixture
def make_prometheus(tmp_path: Path) -> Iterator[Callable[..., Prometheus]]:
    """Start any number of Prometheus servers: make_prometheus(series, extra_config=..., retention=...)."""
    with contextlib.ExitStack() as servers:

        def make(series: Iterable[Series] = (), **options: Any) -> Prometheus:
            return servers.enter_context(prometheus(tmp_path, series, **options))

        yield make


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook receiver that keeps raw bodies and headers."""
    with webhook_receiver() as listening:
        yield listening


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """An incoming webhook as Slack's, on loopback."""
    with fake_slack() as listening:
        yield listening


@pytest.fixture
def teams() -> Iterator[FakeSlack]:
    """The webhook of a workflow as Teams', on loopback."""
    with fake_teams() as listening:
        yield listening


@pytest.fixture
def cloud_events() -> Iterator[FakeSlack]:
    """A receiver of CloudEvents, on loopback."""
    with fake_webhook() as listening:
        yield listening


@pytest.fixture
def make_alertmanager(tmp_path: Path) -> Iterator[Callable[..., Alertmanager]]:
    """Start an Alertmanager that sends to a URL: make_alertmanager(webhook_url, token=..., group_interval=...)."""
    with contextlib.ExitStack() as servers:

        def make(webhook_url: str, **options: Any) -> Alertmanager:
            return servers.enter_context(alertmanager(tmp_path, webhook_url, **options))

        yield make


@pytest.fixture
def alertmanager_server(make_alertmanager: Callable[..., Alertmanager], receiver: Receiver) -> Alertmanager:
    """An Alertmanager that sends to `alertmanager_server.receiver`."""
    server = make_alertmanager(receiver.url)
    server.receiver = receiver
    return server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL cluster; most tests want `postgres_url`."""
    with postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """The URL of a new, empty PostgreSQL database."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new log can be: once the path of a SQLite file, once a PostgreSQL URL."""
    if request.param == "sqlite":
        return str(tmp_path / "tracker.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def make_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., TrackerServer]]:
    """Start any number of `tracker serve`: make_server(toml, store=..., alertmanager=..., running=False)."""
    for name in ("store_url", "postgres_url"):
        if name in request.fixturenames:
            request.getfixturevalue(name)  # so that the server ends before its database does
    with contextlib.ExitStack() as servers:

        def make(toml: str = CHECKOUT, **options: Any) -> TrackerServer:
            return servers.enter_context(tracker_server(tmp_path, toml, **options))

        yield make


@pytest.fixture
def server(make_server: Callable[..., TrackerServer]) -> TrackerServer:
    """A server that knows the service checkout."""
    return make_server()
