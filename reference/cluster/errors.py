"""What the API answers when it refuses, in Kubernetes' own words, codes and reasons."""

from __future__ import annotations

from reference.cluster.resources import Object, Resource

Cause = tuple[str, str, str]  # reason, message, field
_CHANGED = "the object has been modified; please apply your changes to the latest version and try again"


class ApiError(Exception):
    """A refusal that becomes a `Status` object; `code` is the HTTP status."""

    def __init__(self, code: int, reason: str, message: str, details: Object | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.details = code, reason, details or {}

    def status(self) -> Object:
        """Return the Status object that clients receive."""
        head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        head |= {"message": str(self), "reason": self.reason}
        return head | {"details": self.details, "code": self.code}


def _about(resource: Resource, name: str) -> Object:
    return {"name": name} | ({"group": resource.group} if resource.group else {}) | {"kind": resource.plural}


def not_found(resource: Resource, name: str) -> ApiError:
    """No such object (404)."""
    return ApiError(404, "NotFound", f'{resource.qualified} "{name}" not found', _about(resource, name))


def already_exists(resource: Resource, name: str) -> ApiError:
    """The name is taken (409)."""
    message = f'{resource.qualified} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, _about(resource, name))


def conflict(resource: Resource, name: str, why: str = _CHANGED) -> ApiError:
    """Somebody else changed the object meanwhile (409)."""
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return ApiError(409, "Conflict", message, _about(resource, name))


def invalid(resource: Resource, name: str, causes: list[Cause]) -> ApiError:
    """The object breaks rules of its kind (422)."""
    told = [f"{field}: {message}" for _, message, field in causes]
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    message = f'{kind} "{name}" is invalid: ' + (told[0] if len(told) == 1 else f"[{', '.join(told)}]")
    listed = [{"reason": reason, "message": text, "field": field} for reason, text, field in causes]
    details = _about(resource, name) | {"kind": resource.kind, "causes": listed}
    return ApiError(422, "Invalid", message, details)


def forbidden(resource: Resource, name: str, why: str) -> ApiError:
    """The cluster does not let this happen now (403)."""
    message = f'{resource.qualified} "{name}" is forbidden: {why}'
    return ApiError(403, "Forbidden", message, _about(resource, name))


def bad_request(message: str) -> ApiError:
    """The request cannot be understood (400)."""
    return ApiError(400, "BadRequest", message)


def expired(asked: int, oldest: int) -> ApiError:
    """The asked resourceVersion is older than what the cluster remembers (410)."""
    return ApiError(410, "Expired", f"too old resource version: {asked} ({oldest})")
