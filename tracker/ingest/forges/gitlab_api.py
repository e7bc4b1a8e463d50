"""GitLab's API: what its webhooks would have told of deployments, had they all arrived.

The API has the instants to the millisecond and the webhook to the second: both are cut to
the second, so that a deploy that was pushed and is polled is the same event.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

from tracker.errors import SettingsError
from tracker.events.base import Arrival, Incoming
from tracker.events.changes import Change
from tracker.ingest.documents import Moment, Record
from tracker.ingest.forges.gitlab import deploy_step, moment_in
from tracker.ingest.forges.http import ForgeApi
from tracker.ingest.services import ServiceRules
from tracker.times import utc

_HINT = "See what it says: curl -i {url}/api/v4/version"
_SECOND = timedelta(seconds=1)


class GitlabApi(ForgeApi):
    """The API of gitlab.com or of a GitLab of one's own."""

    def __init__(self, url: str, *, token: str | None, token_name: str | None, now: datetime) -> None:
        super().__init__(
            url,
            name="GitLab",
            headers={"PRIVATE-TOKEN": token} if token else {},
            token_name=token_name if token else None,
            now=now,
            hint=_HINT.format(url=url),
        )

    def deploys(
        self,
        project: str,
        *,
        start: datetime,
        end: datetime,
        rules: ServiceRules,
        arrival: Arrival,
        source: str = "gitlab",
    ) -> list[Incoming]:
        """Read the steps of all deployments of a project that lie in a span, both ends in it.

        `project` is its path or its number. GitLab tells of a deployment's first and last
        step only, by the job that made it; without a job, when it was made and last changed.

        Raises:
            SettingsError: If no project is named.
            SourceUnreachableError: If GitLab does not answer or does not let us in.
            BadInputError: If what it answers is not what it promises.
        """
        named = project.strip("/")
        if not named:
            raise SettingsError(
                "gitlab_project is empty", hint='gitlab_project = "acme/checkout", or its number'
            )
        path = f"/api/v4/projects/{quote(named, safe='')}/deployments"
        asked = {
            "order_by": "updated_at",
            "sort": "desc",
            "per_page": "100",
            "updated_after": utc(start - _SECOND),
        }
        service = rules.for_gitlab(named, named)
        found: list[Incoming] = []
        for page in self.pages(path, asked):
            for document in page:
                record = document.record(self._hint)
                for status, moment in _steps(record):
                    event = _step(record, status, moment, service, source)
                    if event is not None and start <= event.occurred_at <= end:
                        found.append(Incoming(event=event, arrival=arrival, payload=document.raw))
        return found


def _steps(record: Record) -> Iterator[tuple[str, Moment]]:
    """Say which steps a deployment has taken, and when; one that waits has taken none."""
    status = record.text("status")
    job = record.maybe_record("deployable") or Record({}, record.place, record.hint, "deployable.")
    if status not in ("running", "success", "failed", "canceled"):
        return
    began = moment_in(job, "started_at")
    if began is None and not job.fields:
        began = record.moment("created_at")
    if began is not None:
        yield "running", began
    if status != "running":
        yield status, moment_in(job, "finished_at") or record.moment("updated_at")


def _step(record: Record, status: str, moment: Moment, service: str | None, source: str) -> Change | None:
    environment = record.maybe_record("environment")
    job = record.maybe_record("deployable")
    return deploy_step(
        status,
        moment,
        service=service,
        source=source,
        record=record,
        number=record.name("id"),
        ref=record.maybe_text("ref"),
        sha=record.maybe_text("sha"),
        environment=environment.maybe_text("name") if environment else None,
        url=job.maybe_text("web_url") if job else None,
    )
