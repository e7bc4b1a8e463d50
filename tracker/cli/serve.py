"""Receive webhooks, poll the configured sources, declare incidents according to auto_declare, and show the page.

A delivery is answered with 202 once it is on disk. Alerts, errors, deploys and samples are then
recorded, and each verdict is recorded when its window closes. Ctrl-C or SIGTERM stops the server
after everything received is on disk.

The page at / and /INC-42 is read-only. [page] access in tracker.toml says who may open it: browsers on
this machine (loopback, the default), whoever has a signed link (link), or the users of a proxy (proxy).
`serve link` prints such a link, of one incident or of all; `serve unlink` takes it back at once.
"""

import argparse
from datetime import timedelta

from tracker.application.page_links import PageLink, PageLinks, address
from tracker.application.running_server import running
from tracker.application.session import Session
from tracker.cli.common import INCIDENT_HELP, say, write_json
from tracker.errors import RefusedError, UsageError
from tracker.server.main import serve
from tracker.text.shell import command, word
from tracker.text.terminal import table
from tracker.times import utc

EXAMPLE = "example:  tracker serve        tracker serve --host 0.0.0.0 --port 8321        tracker serve link INC-42 --until 18:00Z"
_LASTS = timedelta(days=1)
_HOST, _PORT = "127.0.0.1", 8321


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        choices=("link", "unlink"),
        help="print a signed link to the page, or take one back",
    )
    parser.add_argument(
        "what", metavar="INC|LINK", nargs="?", help=f"link: {INCIDENT_HELP}; unlink: the link, or its id"
    )
    parser.add_argument("--host", help=f"address to listen on (default {_HOST})")
    parser.add_argument(
        "--port", type=int, help=f"port to listen on (default {_PORT}; 0 means any free port)"
    )
    links = parser.add_argument_group("links to the page")
    links.add_argument("--until", metavar="T", help="when the link ends (default one day from now)")
    links.add_argument("--list", action="store_true", help="list the links instead of making one")
    links.add_argument("--by", metavar="NAME", help="who makes it or takes it back (default TRACKER_USER)")
    links.add_argument(
        "--at-tz", metavar="ZONE", help="time zone of times typed without one (default TRACKER_TZ)"
    )
    links.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace, session: Session) -> int:
    if arguments.action == "link":
        return _list(arguments, session) if arguments.list else _link(arguments, session)
    if arguments.action == "unlink":
        return _unlink(arguments, session)
    if arguments.until or arguments.list or arguments.json:
        raise UsageError("serve: --until, --list and --json are of links", hint="tracker serve link --list")
    host = arguments.host or _HOST
    return serve(session, host=host, port=_PORT if arguments.port is None else arguments.port)


def _link(arguments: argparse.Namespace, session: Session) -> int:
    page = session.settings.file.page
    if page.access != "link":
        raise RefusedError(
            f"[page] access is {page.access!r}: a link would open nothing",
            hint='Write in tracker.toml: [page] access = "link"',
        )
    incident = session.incident(arguments.what).id if arguments.what else None
    now = session.now
    until = now + _LASTS
    if arguments.until:
        until = session.instant(arguments.until, option="--until", allow_future=True).at
    if until <= now:
        raise UsageError(f"--until: {utc(until)} is past", hint="Name an instant to come: --until 18:00Z")
    links = PageLinks(session.settings.store)
    token = links.make(by=session.author, now=now, until=until, incident=incident)
    url = address(_base(arguments, session), token, incident)
    if arguments.json:
        write_json({"link": token.partition(".")[0], "url": url, "incident": incident, "until": until})
        return 0
    print(url)
    what = f"{incident} and nothing else" if incident else "all incidents"
    say(
        f"Whoever has it sees {what}, read-only, until {utc(until)}.",
        f"To take it back: {command('tracker', 'serve', 'unlink', token.partition('.')[0])}",
    )
    return 0


def _base(arguments: argparse.Namespace, session: Session) -> str:
    """Return where readers find the server: by [page] url, else where it runs or would."""
    if session.settings.file.page.url:
        return session.settings.file.page.url
    found = running(session.settings.store)
    if found is not None and not arguments.host and arguments.port is None:
        return found.address
    return f"http://{arguments.host or _HOST}:{arguments.port or _PORT}"


def _list(arguments: argparse.Namespace, session: Session) -> int:
    now, links = session.now, PageLinks(session.settings.store).all()
    if arguments.json:
        write_json({"links": [{**_described(link), "open": link.opens(now)} for link in links]})
        return 0
    if not links:
        print("There is no link to the page.")
        return 0
    rows = [
        (
            link.id,
            link.incident or "all",
            "open" if link.opens(now) else "closed",
            _end(link),
            f"by {link.by}",
        )
        for link in links
    ]
    print(table(rows), end="")
    return 0


def _end(link: PageLink) -> str:
    if link.revoked_at is not None:
        return f"taken back {utc(link.revoked_at)} by {link.revoked_by}"
    return f"until {utc(link.until)}"


def _described(link: PageLink) -> dict[str, object]:
    return {
        "link": link.id,
        "incident": link.incident,
        "until": link.until,
        "by": link.by,
        "made_at": link.made_at,
        "revoked_at": link.revoked_at,
        "revoked_by": link.revoked_by,
    }


def _unlink(arguments: argparse.Namespace, session: Session) -> int:
    if not arguments.what:
        raise UsageError("serve unlink: which link?", hint="See them: tracker serve link --list")
    links = PageLinks(session.settings.store)
    link = links.revoke(arguments.what, by=session.author, now=session.now)
    if arguments.json:
        write_json(_described(link))
    else:
        what = link.incident or "all incidents"
        say(
            f"The link {word(link.id)} to {what} opens nothing any more; open pages end with their next event."
        )
    return 0
