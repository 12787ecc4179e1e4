"""Bodies in Kubernetes' protobuf form, taken as if they were JSON.

Node agents and Go clients send everything so, stock kubectl what its typed commands send (`create
namespace`, `create token`, `auth can-i`, evictions), and none of them tries JSON when refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from staticlet.kube import refusal
from staticlet.web import accept

MEDIA = "application/vnd.kubernetes.protobuf"
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Sent:
    """A body.

    Attributes:
        text: The body.
        media: Its media type.
        warnings: What the client is to be told of it.
    """

    text: bytes
    media: str
    warnings: tuple[str, ...] = ()


def as_json(sent: bytes, content_type: str) -> Sent:
    """A body in JSON when it was protobuf.

    What is of another type stays as it is, and so does protobuf of a kind that is read as JSON
    only: it is for the verb to refuse it, once it is known that the path exists.

    Raises:
        refusal.Refusal: 400: it is broken; 413: it has too many fields.
    """
    if accept.content_type(content_type) != MEDIA:
        return Sent(sent, content_type)
    if not sent:
        return Sent(sent, _JSON)
    return _read(sent, content_type)


def _read(sent: bytes, content_type: str) -> Sent:
    # The tables are loaded with the first body in this form: most servers never see one.
    from staticlet.kube.protobuf import body

    try:
        read = body.decode(sent)
    except body.UnknownKindError:
        return Sent(sent, content_type)
    except body.TooLargeError as error:
        raise refusal.Refusal(413, "RequestEntityTooLarge", str(error)) from error
    except body.BodyError as error:
        raise refusal.bad_request(str(error)) from error
    return Sent(msgspec.json.encode(read.object), _JSON, read.warnings)
