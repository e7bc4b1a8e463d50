"""What a real Prometheus holds comes over exactly, and every trouble is told in one line."""

import gc
import math
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from tests.servers.process import end, free_port, program, start, start_on_a_free_port
from tests.servers.prometheus import (
    ALERTS_STEP_SECONDS,
    WEEK_FIRINGS,
    WEEK_START,
    Prometheus,
)
from tests.servers.prometheus import (
    WEEK_END as SHARED_END,
)
from tracker.errors import BadInputError, SettingsError, SourceUnreachableError
from tracker.ingest.http import Limits
from tracker.ingest.prometheus.alerts import AlertSpan, fingerprint, spans, usual_spacing_seconds
from tracker.ingest.prometheus.api import AlertRule, PrometheusApi
from tracker.ingest.prometheus.yaml import global_settings

pytestmark = pytest.mark.slow

WEEK = datetime(2026, 3, 1, tzinfo=UTC)
WEEK_S = int(WEEK.timestamp())
WEEK_END = WEEK + timedelta(days=7)
HOUR = timedelta(hours=1)
CHECKOUT = 'alertname="HighErrorRate",service="checkout",severity="critical"'
PAYMENTS = 'alertname="HighLatency",service="payments",severity="page"'
CONFIG = """\
global:
  scrape_interval: 15s
  evaluation_interval: 1m
  external_labels:
    cluster: lab
    note: 'it''s "odd": # here'
    number: "1"
rule_files: [rules.yml]
"""
RULES = """\
groups:
- name: slo
  interval: 15s
  rules:
  - alert: HighErrorRate
    expr: errors_ratio > 0.05
    for: 2m
    labels: {severity: critical}
    annotations: {summary: "error ratio {{ $value }}"}
  - record: a:b
    expr: vector(1)
"""


def at(seconds: float) -> datetime:
    return WEEK + timedelta(seconds=seconds)


def firing(*pieces: tuple[float, float], every: float = 15) -> list[float]:
    """Instants at which a rule found its alert firing, both ends included."""
    return [first + step * every for first, last in pieces for step in range(int((last - first) / every) + 1)]


CHECKOUT_FIRING = firing((3_600.256, 7_200.256), (7_500.256, 7_515.256), (90_000.256, 90_000.256))
PAYMENTS_FIRING = firing((604_500, 604_740), every=60)


def history() -> str:
    """A week of metrics as OpenMetrics text, the samples of one family side by side."""
    lines = ["# TYPE requests gauge"]
    for instance in ("a", "b"):
        lines += [
            f'requests{{instance="{instance}"}} {step * 3} {WEEK_S + step * 60}' for step in range(7 * 1440)
        ]
    lines.append("# TYPE odd gauge")
    lines += [
        f"odd {value} {WEEK_S + step * 15}"
        for step, value in enumerate(["1.5", "NaN", "+Inf", "-Inf", "-0.0", "4.9e-324", "2"])
    ]
    lines.append("# TYPE up gauge")  # scraped every 15 s, with a hole from 600 s to 1,200 s
    lines += [f"up 1 {WEEK_S + second}" for second in range(0, 3_600, 15) if not 600 <= second < 1_200]
    lines.append("# TYPE ALERTS gauge")
    for labels, instants in ((CHECKOUT, CHECKOUT_FIRING), (PAYMENTS, PAYMENTS_FIRING)):
        lines += [
            f'ALERTS{{alertstate="firing",{labels}}} 1 {WEEK_S + int(second)}.{round(second % 1 * 1000):03d}'
            for second in instants
        ]
    lines += [f'ALERTS{{alertstate="pending",{CHECKOUT}}} 1 {WEEK_S + second}' for second in (3_480, 3_540)]
    return "\n".join([*lines, "# EOF", ""])


@contextmanager
def own_prometheus(folder: Path, *options: str, openmetrics: str = "", config: str = CONFIG) -> Iterator[str]:
    """Run a Prometheus with options, rules and external labels that `make_prometheus` has not; gives its URL."""
    server, promtool = program("prometheus", "prometheus"), program("prometheus", "promtool")
    (folder / "prometheus.yml").write_text(config)
    (folder / "rules.yml").write_text(RULES)
    if openmetrics:
        (folder / "history.om").write_text(openmetrics)
        create = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
        create += ["--max-block-duration=720h", str(folder / "history.om"), str(folder / "data")]
        subprocess.run(create, check=True, capture_output=True)

    def launch(port: int) -> tuple[str, subprocess.Popen[bytes]]:
        command = [server, "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
        command += ["--storage.tsdb.retention.time=100y", f"--web.listen-address=127.0.0.1:{port}", *options]
        return f"http://127.0.0.1:{port}", start(command, ready=lambda: ready(port), log=folder / "log")

    url, process = start_on_a_free_port(launch)
    try:
        yield url
    finally:
        end(process)


def ready(port: int) -> bool:
    """Whether it answers; that we may not come in is an answer too."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=1).close()
    except urllib.error.HTTPError as refusal:
        return refusal.code == 401
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with own_prometheus(tmp_path_factory.mktemp("prometheus"), openmetrics=history()) as url:
        yield url


@pytest.fixture
def api(url: str) -> Iterator[PrometheusApi]:
    with PrometheusApi(url) as api:
        yield api


Answer = Callable[[str], tuple[int, str, dict[str, str]]]


@contextmanager
def impostor(answer: Answer) -> Iterator[tuple[str, list[str]]]:
    """Run a server that answers as told; gives its URL and the paths that were asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, body, headers = answer(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body.encode())), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_week_comes_over_whole_and_half_open(api: PrometheusApi) -> None:
    """
    Every sample of [start, end), none at end, one series per label set.
    """
    told: list[tuple[int, int]] = []

    found = api.range(
        "requests", start=WEEK, end=WEEK_END, step_seconds=60, progress=lambda *now: told.append(now)
    )

    assert [series.labels for series in found] == [
        {"__name__": "requests", "instance": name} for name in ("a", "b")
    ]
    for series in found:
        assert np.array_equal(series.instants_ms, (WEEK_S + np.arange(10_080) * 60) * 1000)
        assert np.array_equal(series.values, np.arange(10_080) * 3.0)
    assert told == [(1, 2), (2, 2)]


def test_more_points_than_prometheus_allows_come_in_chunks_without_doubles(api: PrometheusApi) -> None:
    """
    40,320 points, where Prometheus gives 11,000 at once: each instant exactly once, no gap at a border.
    """
    (found,) = api.range('requests{instance="a"}', start=WEEK, end=WEEK_END, step_seconds=15)

    assert np.array_equal(found.instants_ms, (WEEK_S + np.arange(40_320) * 15) * 1000)
    assert np.array_equal(found.values, np.arange(40_320) // 4 * 3.0)


def test_ranges_stand_on_absolute_multiples_of_the_step(api: PrometheusApi) -> None:
    """
    Two askers who start at odd instants get the same instants.
    """
    (found,) = api.range('requests{instance="a"}', start=at(61.5), end=at(240.001), step_seconds=60)

    assert (found.instants_ms / 1000 - WEEK_S).tolist() == [120, 180, 240]
    assert api.range("requests", start=at(60), end=at(60), step_seconds=60) == []
    assert api.range("requests", start=at(61), end=at(119), step_seconds=60) == []
    assert api.range("no_such_metric", start=at(0), end=at(600), step_seconds=60) == []


def test_nan_and_infinities_stay(api: PrometheusApi) -> None:
    """
    What is no finite number is a sample all the same, and -0.0 keeps its sign.
    """
    (found,) = api.raw("odd", start=at(0), end=at(100))

    assert [repr(value) for value in found.values.tolist()] == [
        "1.5", "nan", "inf", "-inf", "-0.0", "5e-324", "2.0",
    ]  # fmt: skip
    (charted,) = api.range("odd", start=at(0), end=at(90), step_seconds=15)
    assert math.isnan(charted.values[1])
    assert len(charted.values) == 6


def test_a_hole_is_seen_in_raw_samples_only(api: PrometheusApi) -> None:
    """
    A range query fills five minutes of a hole with the last sample; raw samples do not.
    """
    (raw,) = api.raw("up", start=at(0), end=at(3_600), chunk=timedelta(minutes=10))
    (filled,) = api.range("up", start=at(0), end=at(3_600), step_seconds=15)

    assert len(raw.values) == 200
    assert len(filled.values) > 215
    assert np.diff(raw.instants_ms).max() == 615_000


def test_raw_chunks_share_no_sample(api: PrometheusApi) -> None:
    """
    Samples that lie on the borders of chunks come once, the one at start is in and the one at end is out.
    """
    (found,) = api.raw('requests{instance="b"}', start=at(0), end=at(86_400), chunk=timedelta(minutes=60))

    assert np.array_equal(found.instants_ms, (WEEK_S + np.arange(1_440) * 60) * 1000)


def test_alerts_of_the_past_start_and_end_to_the_millisecond(api: PrometheusApi) -> None:
    """
    First sample is startsAt, last one and an interval is endsAt; pauses under five minutes split.
    """
    checkout = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
    payments = {"alertname": "HighLatency", "service": "payments", "severity": "page"}

    found = api.alert_spans(start=WEEK, end=WEEK_END)

    assert found == [
        AlertSpan(checkout, at(3_600.256), at(7_215.256), truncated_start=False),
        AlertSpan(checkout, at(7_500.256), at(7_530.256), truncated_start=False),
        AlertSpan(checkout, at(90_000.256), at(90_015.256), truncated_start=False),
        AlertSpan(payments, at(604_500), None, truncated_start=False),
    ]


def test_the_week_that_all_tests_share_gives_its_firings(prometheus_server: Prometheus) -> None:
    """
    No rule is loaded there: the interval is the one that the samples themselves have.
    """
    with PrometheusApi(prometheus_server.url) as api:
        found = api.alert_spans(start=WEEK_START, end=SHARED_END)

    assert [(span.labels["service"], span.starts_at, span.ends_at) for span in found] == [
        (one.service, one.starts_at, one.ends_at + timedelta(seconds=ALERTS_STEP_SECONDS))
        for one in WEEK_FIRINGS
    ]


def test_a_span_that_touches_the_edges_says_so(api: PrometheusApi) -> None:
    """
    What fired before the start or still at the end is not given a false beginning or end.
    """
    (found,) = api.alert_spans(start=at(4_000), end=at(5_000))

    assert found.truncated_start
    assert found.ends_at is None
    assert found.starts_at == at(4_005.256)


def test_what_prometheus_says_about_itself(api: PrometheusApi) -> None:
    """
    Rules, external labels, intervals, clock, version and how far back it sees.
    """
    assert api.rules() == [
        AlertRule(
            name="HighErrorRate",
            expression="errors_ratio > 0.05",
            for_seconds=120.0,
            labels={"severity": "critical"},
            annotations={"summary": "error ratio {{ $value }}"},
        )
    ]
    assert api.external_labels() == {"cluster": "lab", "note": 'it\'s "odd": # here', "number": "1"}
    assert api.retention().oldest_at == WEEK
    assert api.retention().keeps_seconds == 100 * 365 * 86_400
    assert abs(api.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert (api.version() or "")[0].isdigit()
    assert api.warnings == []


def test_a_bad_query_is_named_with_the_place(api: PrometheusApi) -> None:
    """
    The message has the query and Prometheus' own words; the hint can be pasted.
    """
    with pytest.raises(BadInputError, match=r"^Prometheus cannot read the query sum") as bad:
        api.range("sum(rate(x[5m])", start=at(0), end=at(60), step_seconds=15)

    assert "1:16: parse error: unclosed left parenthesis" in bad.value.message
    assert "\n" not in bad.value.message
    assert bad.value.hint.startswith("Try it: curl -sG http://127.0.0.1:")
    with pytest.raises(BadInputError, match=r"many-to-many|duplicate series"):
        api.range("requests * on() requests", start=at(0), end=at(60), step_seconds=15)
    with pytest.raises(BadInputError, match="has 9006 bytes"):
        api.range(f"up{{a='{'x' * 9_000}'}}"[:9_006], start=at(0), end=at(60), step_seconds=15)
    with pytest.raises(BadInputError, match="a step of 0 s"):
        api.range("up", start=at(0), end=at(60), step_seconds=0)


def test_a_query_that_prometheus_gives_up_is_run_once(tmp_path: Path) -> None:
    """
    The library alone would run it four times, wait six seconds and lose the message.
    """
    with own_prometheus(tmp_path, "--query.timeout=1ms") as url, PrometheusApi(url) as api:
        with pytest.raises(SourceUnreachableError, match="HTTP 503: query timed out") as slow:
            api.range("sum_over_time(vector(1)[1d:1s])", start=at(0), end=at(60), step_seconds=15)

        assert "--query.timeout" in slow.value.hint
        counted = 'prometheus_http_requests_total{code="503",handler="/api/v1/query_range"} '
        lines = (api.text("/metrics") or "").splitlines()
        assert [line.removeprefix(counted) for line in lines if line.startswith(counted)] == ["1"]


def test_a_locked_prometheus_names_the_setting(tmp_path: Path) -> None:
    """
    Without or with wrong credentials: which key to set. With the right ones: an answer.
    """
    web = tmp_path / "web.yml"
    web.write_text(
        "basic_auth_users:\n  tracker: $2b$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n"
    )
    with own_prometheus(tmp_path, f"--web.config.file={web}") as url:
        for wrong in ({}, {"bearer_token": "x"}, {"username": "tracker", "password": "wrong"}):
            with PrometheusApi(url, **wrong) as api:  # type: ignore[arg-type]
                with pytest.raises(
                    SourceUnreachableError, match=r"rejected the credentials \(HTTP 401: Unauthorized\)"
                ) as locked:
                    api.now()
                with pytest.raises(SourceUnreachableError, match="HTTP 401"):
                    api.rules()
            assert "bearer_token_env" in locked.value.hint
        with PrometheusApi(url, username="tracker", password="s3cret") as api:
            assert api.now() > WEEK
        with PrometheusApi(url.replace("://", "://tracker:s3cret@")) as api:
            assert api.now() > WEEK
            assert "s3cret" not in api.url


def test_a_closed_port_is_reported() -> None:
    """
    In one line, with what to type.
    """
    url = f"http://127.0.0.1:{free_port()}"

    with PrometheusApi(url) as api, pytest.raises(SourceUnreachableError) as away:
        api.now()

    assert away.value.message == f"Prometheus at {url} refused the connection"
    assert away.value.hint == f"Is it up? curl -i {url}/-/ready"


def test_a_black_hole_costs_one_timeout() -> None:
    """
    A port that listens and never answers is given up once.
    """
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen()
        url = f"http://127.0.0.1:{hole.getsockname()[1]}"

        with (
            PrometheusApi(url, limits=Limits(1, 0.3)) as api,
            pytest.raises(SourceUnreachableError, match=r"did not answer within 0\.3 s$"),
        ):
            api.now()

        hole.setblocking(False)
        hole.accept()[0].close()
        with pytest.raises(BlockingIOError):
            hole.accept()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "<html>Grafana</html>"),
        (200, '{"ok": true}'),
        (200, "[1]"),
        (200, '{"status":"success","data":{"result":[{"metric":{}, "values":[["x","y"]]}]}}'),
        (200, '{"status":"success","data":{"result":[1]}}'),
        (404, "404 page not found"),
    ],
)
def test_another_server_is_not_taken_for_prometheus(status: int, body: str) -> None:
    """
    A wrong port or path is told as such, whatever it answers.
    """
    with impostor(lambda _: (status, body, {})) as (url, _), PrometheusApi(url) as api:
        with pytest.raises(SourceUnreachableError, match=r"but not as Prometheus does$") as other:
            api.range("up", start=at(0), end=at(60), step_seconds=15)
        assert "curl" in other.value.hint


def test_a_redirect_is_not_followed() -> None:
    """
    A login page must not get our token, and its HTML is no answer.
    """
    with impostor(lambda _: (302, "", {"Location": "https://login.example/"})) as (url, asked):
        with (
            PrometheusApi(url, bearer_token="x") as api,
            pytest.raises(SourceUnreachableError, match=r"redirected to https://login.example/ \(HTTP 302\)"),
        ):
            api.now()
        assert len(asked) == 1


def test_an_overloaded_server_is_asked_once_and_a_bad_gateway_twice() -> None:
    """
    503 means what it says; 502 is often a proxy whose Prometheus is just restarting.
    """
    for status, times, says in (
        (503, 1, "cannot answer now"),
        (500, 1, "cannot answer now"),
        (502, 2, "cannot answer now"),
        (429, 2, "rate-limited by Prometheus"),
    ):
        headers = {"Retry-After": "60"}
        with impostor(lambda _, s=status, h=headers: (s, "busy", h)) as (url, asked):  # type: ignore[misc]
            with (
                PrometheusApi(url) as api,
                pytest.raises(SourceUnreachableError, match=rf"{says}.* \(HTTP {status}: busy\)"),
            ):
                api.now()
            assert len(asked) == times


def test_warnings_are_kept() -> None:
    """
    Thanos says that an answer is partial beside the data, where the library does not look.
    """
    body = (
        '{"status":"success","data":{"resultType":"scalar","result":[5,"5"]},"warnings":["store\\nis down"]}'
    )
    with impostor(lambda _: (200, body, {})) as (url, _), PrometheusApi(url) as api:
        assert api.now() == datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)
        api.now()

        assert api.warnings == ["store is down"]


@pytest.mark.parametrize(
    ("said", "shown", "incomplete"),
    [
        ('"warnings":["store is down"]', "store is down", True),
        ('"isPartial":true', "the answer is partial (isPartial)", True),
        ('"isPartial":false', None, False),
        ('"infos":["PromQL info: no counter"]', "PromQL info: no counter", False),
        ('"warnings":["PromQL info: no counter"]', "PromQL info: no counter", False),
        ('"warnings":null', None, False),
    ],
)
@pytest.mark.parametrize("in_front", [True, False])
def test_what_a_source_reports_of_its_own_answer_is_kept(
    said: str, shown: str | None, incomplete: bool, in_front: bool
) -> None:
    """
    Thanos writes it behind the data, VictoriaMetrics in front of it; a remark on the query leaves the answer whole.
    """
    data = '"data":{"resultType":"scalar","result":[5,"5"]}'
    body = '{"status":"success",' + (f"{said},{data}" if in_front else f"{data},{said}") + "}"
    with impostor(lambda _: (200, body, {})) as (url, _), PrometheusApi(url) as api:
        api.now()
        api.now()

        assert api.warnings == ([shown] if shown else [])
        assert api.take_incomplete() == ((shown,) if incomplete else ())
        assert api.take_incomplete() == ()


def test_a_server_that_tells_little_is_still_read() -> None:
    """
    VictoriaMetrics and hosted services have no configuration to show: None and empty, no error.
    """
    with impostor(lambda _: (404, "no such path", {})) as (url, _), PrometheusApi(url) as api:
        assert api.external_labels() == {}
        assert api.rules() == []
        assert api.version() is None
        assert (api.retention().oldest_at, api.retention().keeps_seconds) == (None, None)


@pytest.mark.parametrize(
    "url", ["", "prometheus:9090", "ftp://x", "http://", "http://x:99999", "http://x/?a=b"]
)
def test_an_url_that_cannot_be_meant_is_refused(url: str) -> None:
    """
    Before anything is asked, with an example of what to write.
    """
    with pytest.raises(SettingsError, match="is not an HTTP address") as wrong:
        PrometheusApi(url)
    assert 'url = "http' in wrong.value.hint


def test_credentials_that_cannot_be_meant_are_refused(tmp_path: Path) -> None:
    """
    Two kinds at once, a token with its newline, and a CA file that is not there.
    """
    with pytest.raises(SettingsError, match="both a bearer token and a password"):
        PrometheusApi("http://x", bearer_token="t", username="u")
    with pytest.raises(SettingsError, match="line break"):
        PrometheusApi("http://x", bearer_token="t\n")
    with pytest.raises(SettingsError, match=r"ca_file .* is not a file"):
        PrometheusApi("http://x", ca_file=str(tmp_path / "ca.pem"))


def test_the_garbage_collector_is_on_again_after_a_failure() -> None:
    """
    It pauses while answers are parsed, and only then.
    """
    with PrometheusApi(f"http://127.0.0.1:{free_port()}") as api, pytest.raises(SourceUnreachableError):
        api.now()
    assert gc.isenabled()


def test_fingerprints_are_alertmanagers() -> None:
    """
    From a real webhook: the same alert has the same key, pushed or pulled.
    """
    labels = {
        "alertname": "HighErrorRate",
        "cluster": "lab",
        "instance": "127.0.0.1:19100",
        "job": "shop",
        "service": "checkout",
        "severity": "critical",
        "team": "payments",
    }

    assert fingerprint(labels) == "5f433b28affb2722"
    assert fingerprint(dict(reversed(labels.items()))) == "5f433b28affb2722"
    assert fingerprint({}) == "cbf29ce484222325"
    assert fingerprint(labels | {"cluster": "läb"}) != "5f433b28affb2722"


def test_spacing_is_what_most_samples_agree_on() -> None:
    """
    Jitter and pauses do not change it; single samples far apart tell nothing.
    """

    def spacing(*seconds: float) -> float | None:
        return usual_spacing_seconds(np.array([round(s * 1000) for s in seconds], dtype=np.int64))

    assert spacing(0, 15, 30.004, 44.998, 600, 615) == 15
    assert spacing(0, 0.5, 1.0, 1.5) == 0.5
    assert spacing(0, 15) is None
    assert spacing(0, 600, 1_200, 1_800) is None
    assert spacing(0, 20, 100, 150, 390) is None


def test_no_samples_are_no_spans() -> None:
    """
    An alert that never fired has no history.
    """
    none = np.array([], dtype=np.int64)

    assert spans({}, none, interval_seconds=15, start_ms=0, end_ms=1) == []


def test_external_labels_are_read_from_what_prometheus_prints() -> None:
    """
    Quoted, folded and empty values; labels of other places are not taken for global ones.
    """
    text = (
        "global:\n  scrape_interval: 15s\n  external_labels:\n    a: b\n"
        '    "no": "tab\\there \\xE4"\n    long: one two\n      three\n    empty: ""\n'
        "  evaluation_interval: 1m\nremote_write:\n- url: http://x\n  external_labels:\n    z: no\n"
    )

    settings, labels = global_settings(text)

    assert labels == {"a": "b", "no": "tab\there ä", "long": "one two three", "empty": ""}
    assert settings["evaluation_interval"] == "1m"
    assert global_settings("") == ({}, {})
    assert global_settings("<html>\n  no: yaml") == ({}, {})


def test_importing_the_module_loads_no_library() -> None:
    """
    Commands that ask nobody do not pay 250 ms for requests and numpy.
    """
    libraries = "('numpy', 'requests', 'prometheus_api_client', 'pandas')"
    code = f"import sys, tracker.ingest.prometheus.api; print([m for m in {libraries} if m in sys.modules])"

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
