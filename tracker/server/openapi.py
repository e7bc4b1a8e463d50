"""What the routes take and answer, as OpenAPI 3.1: one table, served at /openapi.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.server import bodies
from tracker.version import VERSION

_JSON: Mapping[str, Any] = {"application/json": {"schema": {}}}
_CLOUD_EVENTS: Mapping[str, Any] = {
    **_JSON,
    "application/cloudevents+json": {"schema": {"type": "object"}},
    "application/cloudevents-batch+json": {"schema": {"type": "array", "items": {"type": "object"}}},
}
_ENVELOPE: Mapping[str, Any] = {
    "application/x-sentry-envelope": {
        "schema": {"type": "string", "contentMediaType": "application/octet-stream"}
    }
}
_RELEASE: Mapping[str, Any] = {
    "application/json": {
        "schema": {
            "type": "object",
            "properties": {
                "version": {"type": "string"},
                "projects": {"type": "array", "items": {"type": "string"}},
                "dateReleased": {"type": ["string", "null"]},
                "refs": {"type": ["array", "null"], "items": {"type": "object"}},
                "commits": {"type": ["array", "null"], "items": {"type": "object"}},
            },
        }
    }
}
_DEPLOY: Mapping[str, Any] = {
    "application/json": {
        "schema": {
            "type": "object",
            "required": ["environment"],
            "properties": {
                "environment": {"type": "string"},
                "name": {"type": ["string", "null"]},
                "url": {"type": ["string", "null"]},
                "dateStarted": {"type": ["string", "null"]},
                "dateFinished": {"type": ["string", "null"]},
            },
        }
    }
}

SECURITY: Mapping[str, Mapping[str, str]] = {
    "alertmanagerToken": {"type": "http", "scheme": "bearer", "description": "[alertmanager] token_env"},
    "sentrySignature": {
        "type": "apiKey",
        "in": "header",
        "name": "Sentry-Hook-Signature",
        "description": "HMAC-SHA256 of the raw body in hexadecimal digits, with [sentry] client_secret_env",
    },
    "sentryUrlToken": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "The same secret, for senders that cannot sign: Bugsink, Sentry's legacy webhooks",
    },
    "githubSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Hub-Signature-256",
        "description": "sha256= and the HMAC-SHA256 of the raw body, with [github] hook_secret_env",
    },
    "gitlabToken": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Gitlab-Token",
        "description": "[gitlab] hook_token_env",
    },
    "eventsToken": {"type": "http", "scheme": "bearer", "description": "[hooks] token_env"},
    "sentryToken": {"type": "http", "scheme": "bearer", "description": "[sentry] token_env"},
    "dsnKeyHeader": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Sentry-Auth",
        "description": "Sentry sentry_key=KEY, with [sentry] dsn_key_env",
    },
    "dsnKeyQuery": {
        "type": "apiKey",
        "in": "query",
        "name": "sentry_key",
        "description": "[sentry] dsn_key_env; the DSN in the envelope's own header does as well",
    },
}
"""How each route knows its sender, and which setting names the secret."""


@dataclass(frozen=True)
class Operation:
    """One method of one route. Without `security` everybody may call it."""

    method: str
    path: str
    summary: str
    security: Sequence[str] = ()
    takes: Mapping[str, Any] | None = None
    most_bytes: int = bodies.HOOK_BYTES
    answers: Mapping[int, str] | None = None
    """For 202, where it is something else: a status, and what it means."""


_RELEASES = "/api/0/organizations/{organization}/releases/"
_TOKENS = ("eventsToken", "sentryToken")
OPERATIONS: Sequence[Operation] = (
    Operation(
        "post",
        "/hooks/alertmanager/{source}",
        "Alertmanager's webhook, version 4",
        ("alertmanagerToken",),
        _JSON,
    ),
    Operation(
        "post",
        "/hooks/sentry/{source}",
        "The webhook of a Sentry integration, or Bugsink's",
        ("sentrySignature", "sentryUrlToken"),
        _JSON,
    ),
    Operation("post", "/hooks/github", "A GitHub webhook", ("githubSignature",), _JSON),
    Operation("post", "/hooks/gitlab", "A GitLab webhook", ("gitlabToken",), _JSON),
    Operation(
        "post",
        "/hooks/events",
        "CloudEvents and CDEvents: structured, binary or in batches",
        ("eventsToken",),
        _CLOUD_EVENTS,
    ),
    Operation(
        "post",
        "/api/{project}/envelope/",
        "What any Sentry SDK sends: plain, gzip or br",
        ("dsnKeyHeader", "dsnKeyQuery"),
        _ENVELOPE,
        bodies.ENVELOPE_BYTES,
    ),
    Operation(
        "post",
        _RELEASES,
        "sentry-cli releases new",
        _TOKENS,
        _RELEASE,
        answers={200: "The release, as it is recorded.", 201: "The release, as it is recorded."},
    ),
    Operation(
        "put",
        _RELEASES + "{version}/",
        "sentry-cli releases set-commits, finalize",
        _TOKENS,
        _RELEASE,
        answers={200: "The release, as it is recorded."},
    ),
    Operation(
        "post",
        _RELEASES + "{version}/deploys/",
        "sentry-cli deploys new",
        _TOKENS,
        _DEPLOY,
        answers={200: "The deploy, as it is recorded.", 201: "The deploy, as it is recorded."},
    ),
    Operation("get", "/healthz", "Whether it answers", answers={200: "It does."}),
    Operation(
        "get", "/readyz", "Whether it does its work", answers={200: "It does.", 503: "It does not, and why."}
    ),
    Operation("get", "/metrics", "Its metrics, as Prometheus reads them", answers={200: "The metrics."}),
    Operation("get", "/openapi.json", "This description", answers={200: "This description."}),
)

_DETAIL = {
    "application/json": {
        "schema": {"type": "object", "required": ["detail"], "properties": {"detail": {"type": "string"}}}
    }
}
_TEXT = {"text/plain": {"schema": {"type": "string"}}}


def document() -> dict[str, Any]:
    """Describe all routes."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tracker serve",
            "version": VERSION,
            "description": "What sources push is on disk before it is answered; see docs/serve.md.",
        },
        "paths": paths,
        "components": {"securitySchemes": {name: dict(each) for name, each in SECURITY.items()}},
    }


def _described(operation: Operation) -> dict[str, Any]:
    named = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    found: dict[str, Any] = {
        "operationId": "-".join(
            [operation.method, *operation.path.replace("{", "").replace("}", "").split("/")[1:]]
        ).strip("-"),
        "summary": operation.summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in named
        ],
        "responses": _responses(operation),
    }
    if operation.security:
        found["security"] = [{name: []} for name in operation.security]
    if operation.takes is not None:
        found["requestBody"] = {
            "required": True,
            "description": f"At most {operation.most_bytes} bytes.",
            "content": dict(operation.takes),
        }
    return found


def _responses(operation: Operation) -> dict[str, Any]:
    means = dict(
        operation.answers or {202: "It is on disk. What is not understood is parked: tracker inbox list."}
    )
    found: dict[str, Any] = {str(status): {"description": said} for status, said in means.items()}
    if not operation.security:
        return found
    if operation.answers:
        found["400"] = {"description": "It is not what sentry-cli sends, and why.", "content": _DETAIL}
    if "{" in operation.path:
        found["404"] = {"description": "A name in the path is empty, or has a slash.", "content": _TEXT}
    for status, said in (
        (401, "It is not authentic; nothing of it was kept."),
        (408, "The body did not come to an end."),
        (413, f"It has more than {operation.most_bytes} bytes."),
    ):
        found[str(status)] = {"description": said, "content": _TEXT}
    found["503"] = {
        "description": "Send it again: too much waits, or the disk is full, or the store is away.",
        "headers": {"Retry-After": {"required": True, "schema": {"type": "integer"}}},
        "content": _TEXT,
    }
    return found
