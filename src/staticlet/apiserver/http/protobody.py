"""Bodies in Kubernetes' protobuf form, taken as if they were JSON.

Stock kubectl sends its typed requests so (`create namespace`, `create token`, `auth can-i`,
evictions) and does not fall back to JSON when it is refused.
"""

from __future__ import annotations

import msgspec

from staticlet.kube import refusal
from staticlet.kube.protobuf import body
from staticlet.web import accept

_JSON = "application/json"


def as_json(sent: bytes, content_type: str) -> tuple[bytes, str]:
    """A body and its media type, in JSON when it was protobuf.

    What is of another type stays as it is, and so does protobuf of a kind that is read as JSON
    only: it is for the verb to refuse it, once it is known that the path exists.

    Raises:
        refusal.Refusal: 400: it is broken.
    """
    if accept.content_type(content_type) != body.MEDIA:
        return sent, content_type
    if not sent:
        return sent, _JSON
    try:
        return msgspec.json.encode(body.decode(sent)), _JSON
    except body.UnknownKindError:
        return sent, content_type
    except body.BodyError as error:
        raise refusal.bad_request(str(error)) from error
