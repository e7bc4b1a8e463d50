"""GitLab's API: the deployments that its webhooks report, for those that did not arrive.

The API has the instants to the millisecond and the webhook to the second: both are cut to
the second, so that a deploy that was pushed and is polled is the same event.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

from tracker.errors import SettingsError
from tracker.events.base import Arrival, Incoming
from tracker.ingest.documents import Moment, Record
from tracker.ingest.forges.client import ForgeClient
from tracker.ingest.forges.facts import Repository
from tracker.ingest.forges.gitlab import STATES, deploy_step
from tracker.ingest.services import ServiceRules
from tracker.times import utc

_SECOND = timedelta(seconds=1)


class GitlabApi(ForgeClient):
    """The API of gitlab.com or of a self-managed GitLab."""

    forge, setting, whoami_path = "GitLab", "gitlab_project", "/api/v4/version"
    token_header = ("PRIVATE-TOKEN", "{}")

    def repository_path(self, repository: str) -> str:
        """Return where the API has a project, which is named by its path or its number."""
        named = repository.strip("/")
        if not named:
            raise SettingsError(
                "gitlab_project is empty", hint='gitlab_project = "acme/checkout", or its number'
            )
        return f"/api/v4/projects/{quote(named, safe='')}"

    def deploys(
        self, repository: str, *, start: datetime, end: datetime, rules: ServiceRules, arrival: Arrival
    ) -> list[Incoming]:
        """Read the steps of all deployments of a project in a span, which has both its ends in it.

        GitLab lists a deployment's first and last step only, by the job that made it; without a
        job, when it was made and last changed.
        """
        path = f"{self.repository_path(repository)}/deployments"
        named = repository.strip("/")
        asked = {
            "order_by": "updated_at",
            "sort": "desc",
            "per_page": "100",
            "updated_after": utc(start - _SECOND),
        }
        at = Repository("gitlab", named, rules.for_gitlab(named, named))
        found: list[Incoming] = []
        for page in self.pages(path, asked):
            for record in page:
                for status, moment in _steps(record):
                    event = deploy_step(
                        at,
                        status,
                        moment,
                        record=record,
                        run_id=record.name("id"),
                        sha=record.maybe_text("sha"),
                        environment=record.maybe_text("environment.name"),
                        url=record.maybe_text("deployable.web_url"),
                    )
                    if start <= event.occurred_at <= end:
                        found.append(Incoming(event=event, arrival=arrival, payload=record.raw))
        return found


def _steps(record: Record) -> Iterator[tuple[str, Moment]]:
    """Return which steps a deployment has taken, and when; one that waits has taken none."""
    status = record.text("status")
    job = record.inner("deployable")
    if status not in STATES:
        return
    began = job.maybe_moment("started_at")
    if began is None and not job.fields:
        began = record.moment("created_at")
    if began is not None:
        yield "running", began
    if status != "running":
        yield status, job.maybe_moment("finished_at") or record.moment("updated_at")
