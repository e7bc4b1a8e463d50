"""What the pages say, as a real server answers them."""

import http.client
import json
import re
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def served(make_server):
    server = make_server()
    server.cli("declare", "payments fail", "--service", "checkout", "--severity", "critical", "--lead", "Ana")
    return server


def text(server, path: str) -> str:
    reply = server.request(path)
    assert reply.status == 200, reply.body
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reply.body.decode()))


def test_the_first_page_says_what_needs_a_look(served):
    """
    The open incident with its lead and what is due, a delivery that could not be parsed, and who was heard.
    """
    bad = served.request(
        "/hooks/events", b"{", {"Authorization": "Bearer events-token", "Content-Type": "application/json"}
    )
    assert bad.status == 202
    served.digested()

    page = text(served, "/")

    assert "INC-1: payments fail" in page
    assert re.search(
        r"critical +open since \S+ \S+ UTC , for \d+ (s|min) , stage not recorded, lead Ana", page
    )
    assert "alert the team:" in page
    assert "tracker message INC-1 initial" in page
    assert re.search(r"Parked deliveries .* events", page)
    assert "tracker inbox retry" in page
    assert "events: events" in page
    assert "sends by itself" in page


def test_what_is_resolved_leaves_the_open_ones(served):
    served.cli("resolve", "1", "--as", "went-away")

    page = text(served, "/")

    assert "No incident is open." in page
    assert re.search(r"Resolved last .*INC-1: payments fail .*critical .*resolved", page)


def test_the_page_answers_as_the_commands_do(served):
    """
    JSON is that of `show --json`, the report has the report's sections and no style of its own.
    """
    told, typed = json.loads(served.request("/INC-1.json").body), served.answer("show", "INC-1")
    for answer in (told, typed):
        for duration in answer["durations"].values():
            duration.pop("seconds", None)
    report = served.request("/INC-1/report").body.decode()

    assert told == typed
    assert "<style" not in report
    assert "INC-1: payments fail" in report
    assert "Root Cause" in report


def test_since_lists_what_the_command_lists(served):
    """
    By a position, an event's handle, or an instant: corrections are lines of their own, and lead to what they correct.
    """
    kept, wrong, secret = (
        served.cli("note", "1", text, "--json").json["events"][0] for text in ("kept", "wrong", "secret")
    )
    first = served.cli("note", "1", "before", "--json").json["events"][0]
    position = served.answer("show", first[-7:])["position"]
    # An instant is printed to the millisecond; a position is exact.
    recorded = datetime.fromisoformat(served.answer("show", first[-7:])["recorded_at"])
    at = quote((recorded + timedelta(milliseconds=1)).isoformat())
    served.cli("note", "1", "behind")
    for command in (("amend", kept, "--text", "held"), ("retract", wrong), ("redact", secret)):
        assert served.cli(*command, "--why", "a test").code == 0
    listed = served.answer("show", "INC-1", "--since", first[-7:])["entries"]
    handles = [entry["event"][-7:] for entry in listed]

    for typed in (position, first[-7:], at):
        page = served.request(f"/INC-1?since={typed}").body.decode()
        items = page.partition('class="since"')[2].partition("</ul>")[0].split("<li>")[1:]
        assert [re.search(r">(\w{7})<", item)[1] for item in items] == handles
        targets = [re.search(r'href="#e-(\w+)"', item) for item in items]
        assert [target and target[1] for target in targets] == [listed[0]["event"], kept, None, secret]
    refused = served.request("/INC-1?since=nonsense")
    assert (refused.status, refused.body.decode().splitlines()[0]) == (400, "since: 'nonsense' is not a time")


def test_an_incident_that_is_not_there_leads_to_those_that_are(served):
    """
    Whoever mistyped a number is not left with a bare line.
    """
    reply = served.request("/INC-99")

    assert reply.status == 404
    assert "There is no INC-99" in reply.body.decode()
    assert 'href="/"' in reply.body.decode()


def test_strangers_of_the_running_server_are_told_nothing(served):
    """
    Another name than its own, whatever is asked for.
    """
    for path in ("/", "/INC-1", "/INC-1/events", "/INC-1.json", "/INC-1/report", "/INC-9"):
        reply = served.request(path, headers={"Host": "evil.example"})
        assert (reply.status, b"INC-1" in reply.body, reply.body.count(b"\n")) == (403, False, 1)
    assert served.request("/healthz", headers={"Host": "evil.example"}).status == 200


def test_a_link_that_is_taken_back_ends_what_is_open_with_the_next_event(make_server):
    """
    The stream of a page that was opened by a link ends before the next event is told.
    """
    server = make_server('[page]\naccess = "link"\n[services.checkout]\n')
    server.cli("declare", "payments fail", "--service", "checkout", "--severity", "critical")
    link = server.answer("serve", "link", "1")
    cookie = {"Cookie": f"tracker_page_INC-1={link['url'].partition('link=')[2]}"}
    stream = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    stream.request("GET", "/INC-1/events", headers=cookie)
    response = stream.getresponse()
    assert response.status == 200
    assert response.readline() == b"retry: 1000\n"
    server.cli("note", "1", "seen")
    while b"seen" not in (line := response.readline()):
        assert line

    assert server.cli("serve", "unlink", link["link"]).code == 0
    server.cli("note", "1", "a secret")
    rest = response.read()
    stream.close()

    assert b"a secret" not in rest
    assert server.request("/INC-1", headers=cookie).status == 403
