"""eviction: a pod is deleted, and its status says why. There are no disruption budgets."""

from __future__ import annotations

from staticlet.apiserver import calls
from staticlet.apiserver.admission import plugin
from staticlet.apiserver.resources import podbinding
from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.apiserver.verbs import answers, body, delete, options, place
from staticlet.apiserver.verbs.answers import Plain
from staticlet.apiserver.verbs.backend import Backend
from staticlet.kube import apitypes, refusal

WANTED = body.Wanted(api_version="policy/v1", kind="Eviction", struct=apitypes.Eviction)


async def evict(
    backend: Backend, call: calls.Call, pods: Kind, text: bytes, content_type: str
) -> Plain:
    """Delete the pod of the path as the Eviction in the body asks.

    Raises:
        refusal.Refusal: 400 for a body of another name; 404; 409 when a precondition fails.
    """
    writing = options.writing(call, "CreateOptions")
    eviction = body.decoded(call, text, content_type, WANTED, validation=writing.validation)
    place.fill_namespace(pods, call, eviction)
    name = call.target.name
    if eviction["metadata"].setdefault("name", name) != name:
        raise refusal.bad_request("name in URL does not match name in Eviction object")
    asked = options.deleting(call, eviction.get("deleteOptions") or {})
    review = plugin.Review(
        call=call, kind=pods, operation="CREATE", object=eviction, old=None, name=name
    )
    backend.admission.mutate(review, backend.store)
    backend.admission.validate(review, backend.store)

    def mark(pod: Object) -> None:
        why = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting",
        }
        podbinding.set_condition(pod.setdefault("status", {}), why, call.now)

    await delete.removed(backend, call, pods, place.key(pods, call), asked, mark=mark, admit=False)
    return answers.success(201, told=True)
