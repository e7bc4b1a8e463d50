"""One connection to a server that speaks Sentry's REST API, or Bugsink's: pages, limits, what is not offered.

What the answers mean is in `tracker.ingest.sentry.api` and `tracker.ingest.sentry.bugsink`.
"""

import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from tracker.errors import BadInputError, SettingsError, SourceUnreachableError
from tracker.ingest.documents import Document, Record, decoded
from tracker.ingest.findings import Finding, ok, warning
from tracker.ingest.http import LIMITS, MAX_PAGES, Answer, HttpClient, Limits, NoAnswerError, retry_at

LONGEST_WAIT_SECONDS = 5.0
"""How long a rate limit may keep us waiting before we give up and say when to come again."""

_TRIES = 3
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_ATTRIBUTE = re.compile(r"(\w+)=\"([^\"]*)\"")


class NotOfferedError(Exception):
    """This server does not have what was asked for; the message says what it answered."""


class SentryClient(HttpClient):
    """Asks one server; pages are followed by their cursor alone, never by the address in a link."""

    def __init__(
        self, url: str, *, token: str | None, token_name: str | None = None, limits: Limits = LIMITS
    ) -> None:
        super().__init__(
            url,
            name="Sentry",
            section="sentry",
            headers={"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {}),
            secret_name=token_name,
            access_hint="Let [sentry] token_env name a variable with a token for Sentry's API"
            " (event:read, project:read, org:read, project:releases) or of Bugsink",
            limits=limits,
        )

    def document(self, path: str, parameters: Mapping[str, str | int] | None = None) -> Document:
        """Return one answer.

        Raises:
            NotOfferedError: If the server does not have it.
            SourceUnreachableError: If it does not answer, rejects the token, or limits us for long.
            BadInputError: If it says JSON and sends something else, or too much.
        """
        try:
            answer = self._patiently(path, parameters or {})
        except NoAnswerError as failure:
            if failure.is_too_large:
                raise BadInputError(failure.message, hint=failure.hint) from failure
            raise
        if answer.status in (401, 429, 502, 503, 504):
            raise self.refusal()
        if 300 <= answer.status < 400:
            raise NotOfferedError(f"redirected ({answer.status}); redirects are not followed")
        if answer.status == 403:
            raise NotOfferedError("our token does not allow it (403)")
        if answer.status != 200:
            raise NotOfferedError(f"it answered {answer.status}")
        if "json" not in answer.headers.get("Content-Type", ""):
            raise NotOfferedError("it answered with a page, not with JSON")
        place = f"{self.url}{path}"
        return Document(decoded(answer.body, place=place, hint=self.hint), answer.body, place)

    def pages(self, path: str, parameters: Mapping[str, str | int]) -> Iterator[list[Record]]:
        """Yield a list page by page; it ends where the server says so, or after MAX_PAGES.

        Raises:
            NotOfferedError: As `document` does, and so for the rest.
        """
        asked = dict(parameters)
        seen = {asked.get("cursor")}
        total_bytes = 0
        for _ in range(MAX_PAGES):
            document = self.document(path, asked)
            total_bytes += len(self.answer.body)
            self.check_pages(path, total_bytes)
            cursor = next_cursor(self.answer.headers.get("Link"), document.value)
            if isinstance(document.value, dict) and isinstance(document.value.get("results"), list):
                results = bytes(msgspec.json.decode(document.raw, type=dict[str, msgspec.Raw])["results"])
                document = Document(document.value["results"], results, document.where)
            elif not isinstance(document.value, list):
                raise NotOfferedError("no list")
            yield [entry.record(self.hint, zone=UTC) for entry in document.elements("entry")]
            if cursor is None or cursor in seen:
                return
            seen.add(cursor)
            asked["cursor"] = cursor

    def _patiently(self, path: str, parameters: Mapping[str, str | int]) -> Answer:
        """Ask again after a short rate limit."""
        answer = self.get(path, parameters)
        for _ in range(_TRIES - 1):
            now = datetime.now(UTC)
            again = retry_at(answer.headers, now) if answer.status == 429 else None
            wait_seconds = (again - now).total_seconds() if again else LONGEST_WAIT_SECONDS + 1
            if wait_seconds > LONGEST_WAIT_SECONDS:
                break
            time.sleep(max(wait_seconds, 0.0))
            answer = self.get(path, parameters)
        return answer

    def probe(self, organization: str, projects: Mapping[str, str]) -> Iterator[Finding]:
        """Check the token, the organization, and that it has these projects, each with its service."""
        home = f"/api/0/organizations/{quote(organization, safe='')}/"
        answer = self.get(home)
        if answer.status == 403 and not answer.is_rate_limit:
            raise SourceUnreachableError(
                f"the token in {self.secret_name} may not read the organization {organization} (HTTP 403)",
                hint="Give its integration organization:read, and read on issues and releases",
            )
        if answer.status == 404 and isinstance(answer.json, dict):
            raise SettingsError(
                f"Sentry at {self.url} has no organization {organization!r} that this token sees",
                hint=f"[sentry] organization = the short name in {self.url}/organizations/NAME/",
            )
        slug = self.object_with("slug")["slug"]
        yield ok(
            "sentry", f"{self.url} answers: the token in {self.secret_name} reads the organization {slug}"
        )
        # Only where the answer is the whole list; a server that does not offer it says nothing.
        answer = self.get(f"{home}projects/")
        listed = answer.json
        if (
            answer.status != 200
            or not isinstance(listed, list)
            or next_cursor(answer.headers.get("Link"), None)
        ):
            return
        names = {
            key: {str(each.get(key)) for each in listed if isinstance(each, dict)} for key in ("slug", "id")
        }
        for project, service in projects.items():
            if project not in names["slug"] | names["id"]:
                yield warning(
                    "sentry",
                    f"there is no project {project!r}, which is {service}'s",
                    f"[services.{service}] sentry_projects: one of {', '.join(sorted(names['slug'])[:8])}",
                )


def next_cursor(link: str | None, value: object) -> str | None:
    """Find the cursor of the next page: in the header Link, else in the body's `next`; None at the end.

    The header is searched, not parsed: GlitchTip sends it as Python writes a set. Sentry has
    a next page always, and says whether anything is on it.
    """
    for address, rest in _LINK.findall(link or ""):
        attributes = dict(_ATTRIBUTE.findall(rest))
        if attributes.get("rel") == "next":
            if attributes.get("results") == "false":
                return None
            return attributes.get("cursor") or _cursor_in(address)
    following = value.get("next") if isinstance(value, dict) else None
    return _cursor_in(following) if isinstance(following, str) else None


def _cursor_in(address: str) -> str | None:
    try:
        return parse_qs(urlsplit(address).query).get("cursor", [None])[0]
    except ValueError:
        return None
