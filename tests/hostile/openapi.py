"""What the routes of `tracker serve` take and answer, as OpenAPI 3.1, for schemathesis to try."""

from typing import Any

from tracker.server.bodies import ENVELOPE_BYTES, HOOK_BYTES


def _struct(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"schema": {"type": "object", "required": list(required), "properties": properties}}


_TEXT, _TEXT_OR_NULL = {"type": "string"}, {"type": ["string", "null"]}
_OBJECTS_OR_NULL = {"type": ["array", "null"], "items": {"type": "object"}}
_JSON: dict[str, Any] = {"application/json": {"schema": {}}}
_CLOUD_EVENTS = {
    **_JSON,
    "application/cloudevents+json": {"schema": {"type": "object"}},
    "application/cloudevents-batch+json": {"schema": {"type": "array", "items": {"type": "object"}}},
}
_ENVELOPE = {
    "application/x-sentry-envelope": {
        "schema": {"type": "string", "contentMediaType": "application/octet-stream"}
    }
}
_RELEASE = {
    "application/json": _struct(
        version=_TEXT,
        projects={"type": "array", "items": _TEXT},
        dateReleased=_TEXT_OR_NULL,
        refs=_OBJECTS_OR_NULL,
        commits=_OBJECTS_OR_NULL,
    )
}
_DEPLOY = {
    "application/json": _struct(
        ("environment",),
        environment=_TEXT,
        name=_TEXT_OR_NULL,
        url=_TEXT_OR_NULL,
        dateStarted=_TEXT_OR_NULL,
        dateFinished=_TEXT_OR_NULL,
    )
}
_BEARER = {"type": "http", "scheme": "bearer"}
_SECURITY = {
    "bearer": _BEARER,
    "sentrySignature": {"type": "apiKey", "in": "header", "name": "Sentry-Hook-Signature"},
    "sentryUrlToken": {"type": "apiKey", "in": "query", "name": "token"},
    "githubSignature": {"type": "apiKey", "in": "header", "name": "X-Hub-Signature-256"},
    "gitlabToken": {"type": "apiKey", "in": "header", "name": "X-Gitlab-Token"},
    "dsnKeyHeader": {"type": "apiKey", "in": "header", "name": "X-Sentry-Auth"},
    "dsnKeyQuery": {"type": "apiKey", "in": "query", "name": "sentry_key"},
}
_RELEASES = "/api/0/organizations/{organization}/releases/"

OPERATIONS: tuple[tuple[str, str, tuple[str, ...], dict[str, Any], tuple[int, ...]], ...] = (
    ("post", "/hooks/alertmanager/{source}", ("bearer",), _JSON, (202,)),
    ("post", "/hooks/sentry/{source}", ("sentrySignature", "sentryUrlToken"), _JSON, (202,)),
    ("post", "/hooks/github", ("githubSignature",), _JSON, (202,)),
    ("post", "/hooks/gitlab", ("gitlabToken",), _JSON, (202,)),
    ("post", "/hooks/events", ("bearer",), _CLOUD_EVENTS, (202,)),
    ("post", "/api/{project}/envelope/", ("dsnKeyHeader", "dsnKeyQuery"), _ENVELOPE, (202,)),
    ("post", _RELEASES, ("bearer",), _RELEASE, (200, 201, 400)),
    ("put", _RELEASES + "{version}/", ("bearer",), _RELEASE, (200, 400)),
    ("post", _RELEASES + "{version}/deploys/", ("bearer",), _DEPLOY, (200, 201, 400)),
    ("get", "/healthz", (), {}, (200,)),
    ("get", "/readyz", (), {}, (200, 503)),
    ("get", "/metrics", (), {}, (200,)),
)
"""Method, path, which of these secrets authenticate it, what its body may be, and what it answers besides refusals."""


def document() -> dict[str, Any]:
    """Describe all routes."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path, security, content, answers in OPERATIONS:
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        operation: dict[str, Any] = {
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
                for name in names
            ],
            "responses": {str(status): {"description": ""} for status in answers},
        }
        if security:
            most_bytes = ENVELOPE_BYTES if content is _ENVELOPE else HOOK_BYTES
            operation["security"] = [{name: []} for name in security]
            operation["requestBody"] = {
                "required": True,
                "description": f"At most {most_bytes} bytes.",
                "content": content,
            }
            operation["responses"] |= _refusals(400 in answers, has_names=bool(names))
        paths.setdefault(path, {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "tracker serve", "version": "1"},
        "paths": paths,
        "components": {"securitySchemes": _SECURITY},
    }


def _refusals(with_detail: bool, *, has_names: bool) -> dict[str, Any]:
    text = {"description": "", "content": {"text/plain": {"schema": _TEXT}}}
    responses: dict[str, Any] = {str(status): text for status in (401, 408, 413)}
    responses["503"] = {
        **text,
        "headers": {"Retry-After": {"required": True, "schema": {"type": "integer"}}},
    }
    if with_detail:
        responses["400"] = {
            "description": "",
            "content": {"application/json": _struct(("detail",), detail=_TEXT)},
        }
    if has_names:
        responses["404"] = text
    return responses
