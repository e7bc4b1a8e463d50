"""GitHub's API: the deployments that its webhooks report, for those that did not arrive.

Each status is made into the body that the webhook has and read by the same reader, so a
deploy that was pushed and is polled is the same event.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec

from tracker.errors import SettingsError
from tracker.events.base import Arrival, Incoming
from tracker.ingest.documents import Record
from tracker.ingest.forges import github
from tracker.ingest.forges.client import ForgeClient
from tracker.ingest.services import ServiceRules

_LATE = timedelta(days=7)
"""How long before the span a deployment may have been made whose steps lie in it."""


class GithubApi(ForgeClient):
    """The API of GitHub, or of a GitHub Enterprise Server (https://HOST/api/v3)."""

    forge, setting, whoami_path = "GitHub", "github_repository", "/rate_limit"
    token_header = ("Authorization", "Bearer {}")
    headers: ClassVar[Mapping[str, str]] = {
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }

    def repository_path(self, repository: str) -> str:
        owner, _, name = repository.strip("/").partition("/")
        if not owner or not name or "/" in name or ".." in (owner, name):
            raise SettingsError(
                f"github_repository {repository!r} is not written owner/name",
                hint='github_repository = "acme/checkout"',
            )
        return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"

    def deploys(
        self, repository: str, *, start: datetime, end: datetime, rules: ServiceRules, arrival: Arrival
    ) -> list[Incoming]:
        """Read the steps of all deployments of a repository in a span, which has both its ends in it.

        One request for each hundred deployments, and one for each whose statuses may lie in
        the span. GitHub lists the newest first, and cannot be asked for a span.
        """
        path = f"{self.repository_path(repository)}/deployments"
        found: list[Incoming] = []
        for deployment in self._deployments(path, start=start, end=end):
            number = deployment.name("id")
            bodies = [_body(repository, deployment, None)]
            for page in self.pages(f"{path}/{quote(number, safe='')}/statuses", {"per_page": "100"}):
                bodies += [_body(repository, deployment, status) for status in page]
            where = f"{self.url}{path}/{number}"
            read = [github.read(body, where=where, rules=rules, arrival=arrival) for body in bodies]
            found += [fact for facts in read for fact in facts if start <= fact.event.occurred_at <= end]
        return found

    def _deployments(self, path: str, *, start: datetime, end: datetime) -> Iterator[Record]:
        for page in self.pages(path, {"per_page": "100"}):
            oldest: datetime | None = None
            for deployment in page:
                created = deployment.moment("created_at").at
                updated = deployment.maybe_moment("updated_at")
                oldest = created if oldest is None else min(oldest, created)
                # A new status updates its deployment: what was not touched since has no step in the span.
                if created <= end and max(created, updated.at if updated else created) >= start:
                    yield deployment
            if oldest is not None and oldest < start - _LATE:
                return


def _body(repository: str, deployment: Record, status: Record | None) -> bytes:
    """Put together what the webhook's body would have been."""
    parts: dict[str, Any] = {"deployment": msgspec.Raw(deployment.raw)}
    if status is not None:
        parts["deployment_status"] = msgspec.Raw(status.raw)
    name = repository.strip("/")
    parts["repository"] = {"name": name.rpartition("/")[2], "full_name": name}
    return msgspec.json.format(msgspec.json.encode(parts), indent=-1)
