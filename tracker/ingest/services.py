"""Which service a payload speaks of, by what tracker.toml says of the services.

Who is not found is None: the fact is kept all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ServiceRule:
    """How one service is recognised in what sources send."""

    name: str
    alert_labels: Mapping[str, str] = field(default_factory=dict)
    sentry_projects: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    github_repository: str | None = None
    gitlab_project: str | None = None


@dataclass(frozen=True)
class ServiceRules:
    """All services, in the order of the file; of equals the first wins."""

    rules: tuple[ServiceRule, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the services."""
        return tuple(rule.name for rule in self.rules)

    def for_alert(self, labels: Mapping[str, str]) -> str | None:
        """Find the service of an alert.

        All labels of a rule must match, and the rule with the most labels wins. A service
        without alert_labels is meant by the label `service` with its name; such a match
        gives way to any rule that was written down.
        """
        best: tuple[int, str] | None = None
        for rule in self.rules:
            if rule.alert_labels:
                matches = all(labels.get(name) == value for name, value in rule.alert_labels.items())
                weight = len(rule.alert_labels)
            else:
                matches = labels.get("service") == rule.name
                weight = 0
            if matches and (best is None or weight > best[0]):
                best = (weight, rule.name)
        return best[1] if best else None

    def for_project(self, project: str | None) -> str | None:
        """Find the service of a Sentry project: by sentry_projects, else by the same name."""
        if not project:
            return None
        for rule in self.rules:
            if project in rule.sentry_projects:
                return rule.name
        return self.for_name(project)

    def for_github(self, repository: str, named: str | None = None) -> str | None:
        """Find the service of a repository, written owner/name: by github_repository, else by its name.

        Where several services live in one repository, the one that the payload names wins.
        """
        return self._for_repository(
            [rule.name for rule in self.rules if _same(rule.github_repository, repository)], repository, named
        )

    def for_gitlab(self, path: str | None, number: str | None = None) -> str | None:
        """Find the service of a GitLab project: by gitlab_project, its path or its number, else by its name."""
        found = [
            rule.name
            for rule in self.rules
            if _same(rule.gitlab_project, path) or _same(rule.gitlab_project, number)
        ]
        return self._for_repository(found, path or "", None)

    def _for_repository(self, found: list[str], path: str, named: str | None) -> str | None:
        if named in found:
            return named
        return found[0] if found else self.for_name(path.rpartition("/")[2])

    def for_name(self, name: str | None) -> str | None:
        """Find the service that has exactly this name."""
        return name if name in self.names else None


def _same(configured: str | None, reported: str | None) -> bool:
    """Whether two paths are the same: forges ignore case."""
    return bool(configured and reported) and str(configured).strip("/").lower() == str(reported).lower()
