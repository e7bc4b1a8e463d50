"""What the APIs of GitHub and GitLab have in common: lists in pages, and whether repositories are found."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlencode, urljoin, urlsplit

from tracker.errors import SettingsError, SourceUnreachableError
from tracker.events.base import Arrival, Incoming
from tracker.ingest.documents import Record, documents
from tracker.ingest.findings import Finding, broken, ok, warning
from tracker.ingest.http import LIMITS, MAX_PAGES, Answer, HttpClient, Limits
from tracker.ingest.services import ServiceRules

_NEXT = re.compile(r'<([^<>]+)>\s*;[^,<]*\brel="?next"?', re.ASCII | re.IGNORECASE)


class ForgeClient(HttpClient):
    """The API of one forge; what differs between the two are the class's own values."""

    forge: ClassVar[str]
    setting: ClassVar[str]
    """The key under [services.NAME] that names a repository."""
    whoami_path: ClassVar[str]
    token_header: ClassVar[tuple[str, str]]
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self, url: str, *, token: str | None, token_name: str | None, limits: Limits = LIMITS
    ) -> None:
        name, value = self.token_header
        super().__init__(
            url,
            name=self.forge,
            section=self.forge.lower(),
            headers={**self.headers, **({name: value.format(token)} if token else {})},
            secret_name=token_name if token else None,
            access_hint="Give the token read access to the repository and its deployments, or make and export another",
            ready_path=self.whoami_path,
            limits=limits,
        )

    def repository_path(self, repository: str) -> str:
        """Return where the API has a repository.

        Raises:
            SettingsError: If its name cannot be one.
        """
        raise NotImplementedError

    def deploys(
        self, repository: str, *, start: datetime, end: datetime, rules: ServiceRules, arrival: Arrival
    ) -> list[Incoming]:
        """Read the steps of all deployments of a repository in a span, which has both its ends in it.

        Raises:
            SettingsError: If the repository's name cannot be one.
            SourceUnreachableError: If the forge does not answer, or refuses.
            BadInputError: If an answer is not as promised.
        """
        raise NotImplementedError

    def pages(self, path: str, parameters: Mapping[str, str]) -> Iterator[list[Record]]:
        """Yield a list page by page, each as its objects; the caller stops when it has enough.

        Raises:
            SourceUnreachableError: If it does not answer, refuses, or does not come to an end.
            BadInputError: If an answer is not a list of JSON.
        """
        address = f"{self.url}{path}?{urlencode(parameters)}"
        total_bytes = 0
        for _ in range(MAX_PAGES):
            answer = self._checked(self.ask("GET", address))
            total_bytes += len(answer.body)
            self.check_pages(path, total_bytes)
            if answer.body.lstrip()[:1] != b"[":
                raise self.unexpected()
            (whole,) = documents(answer.body, where=address, hint=self.hint)[:1]
            yield [element.record(self.hint) for element in whole.elements("record")]
            following = _NEXT.search(answer.headers.get("Link", ""))
            if following is None:
                return
            address = urljoin(address, following[1])
            if urlsplit(address)[:2] != urlsplit(self.url)[:2]:
                raise SourceUnreachableError(
                    f"the next page of {self.url}{path} is at {'://'.join(urlsplit(address)[:2])}, which is not followed",
                    hint=f"Set url under [{self.section}] in tracker.toml to the address that it calls itself",
                )
        raise SourceUnreachableError(
            f"{self.url}{path} goes on after {MAX_PAGES} pages", hint="Ask for less: --from T --to T"
        )

    def _checked(self, answer: Answer) -> Answer:
        if answer.status in (403, 404) and not answer.is_rate_limit:
            raise SourceUnreachableError(
                f"{answer.url.partition('?')[0]} was not found, or the token may not see it (HTTP {answer.status})",
                hint="Check its name in tracker.toml, and that the token may read deployments",
            )
        if answer.status != 200:
            raise self.refusal()
        return answer

    def probe(self, repositories: Mapping[str, str]) -> Iterator[Finding]:
        """Check that the token works and sees each service's repository."""
        seen = []
        for service, repository in repositories.items():
            answer = self.get(self.repository_path(repository))
            if answer.status == 404 and isinstance(answer.json, dict):
                whoever = (
                    f"the token in {self.secret_name}" if self.secret_name else "a request without a token"
                )
                missing = SettingsError(
                    f"{self.name} has no repository {repository} that {whoever} sees",
                    hint=f"Correct [services.{service}] {self.setting}, or give the token access to it",
                )
                yield broken(self.section, missing)
            else:
                self.object_with("id")
                seen.append(repository)
        if not repositories:
            self.get(self.whoami_path)
            self.object_with()
            yield warning(
                self.section,
                f"the token in {self.secret_name} works, and no service names a repository there",
                f'[services.NAME] {self.setting} = "acme/checkout"',
            )
        if seen:
            yield ok(self.section, f"{self.url} answers: {', '.join(seen)} found")
