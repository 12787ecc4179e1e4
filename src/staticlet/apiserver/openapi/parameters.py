"""The parameters of the API's operations, in OpenAPI v3."""

from __future__ import annotations

from typing import Any, TypeAlias

Parameter: TypeAlias = dict[str, Any]


def _query(name: str, of_type: str, description: str) -> Parameter:
    schema: dict[str, Any] = {"type": of_type, "uniqueItems": True}
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _path(name: str, description: str) -> Parameter:
    schema = {"type": "string", "uniqueItems": True}
    return {
        "name": name,
        "in": "path",
        "description": description,
        "required": True,
        "schema": schema,
    }


NAMESPACE = _path("namespace", "The namespace of the object.")
NAME = _path("name", "The name of the object.")
PRETTY = _query("pretty", "string", "Whether the answer is indented: true or false.")
_DRY_RUN = _query("dryRun", "string", "All: do everything but the write.")

LIST = [
    _query("allowWatchBookmarks", "boolean", "Whether a watch tells now and then how far it is."),
    _query("continue", "string", "The token of the next page, as the last page gave it."),
    _query("fieldSelector", "string", "Which objects, by their fields."),
    _query("labelSelector", "string", "Which objects, by their labels."),
    _query("limit", "integer", "How many objects a page has at most."),
    _query("resourceVersion", "string", "What version is read, or where a watch begins."),
    _query("resourceVersionMatch", "string", "How the resourceVersion is meant."),
    _query("sendInitialEvents", "boolean", "Whether a watch begins with the objects there are."),
    _query("timeoutSeconds", "integer", "When the call ends."),
    _query("watch", "boolean", "Whether changes are sent as they come, instead of a list."),
]
WRITE = [
    _DRY_RUN,
    _query("fieldManager", "string", "Who manages the fields that are written."),
    _query(
        "fieldValidation",
        "string",
        "What is done about fields that are unknown or double: Strict refuses them, Warn tells of"
        " them, Ignore drops them.",
    ),
]
FORCE = _query("force", "boolean", "Whether an apply takes fields from other managers.")
DELETE = [
    _DRY_RUN,
    _query("gracePeriodSeconds", "integer", "How long a pod may take to stop."),
    _query("orphanDependents", "boolean", "Older form of propagationPolicy."),
    _query("propagationPolicy", "string", "What becomes of what the object owns."),
]
