"""binding: a pod gets its node; what a scheduler does, once for each pod."""

from __future__ import annotations

from staticlet.apiserver import calls
from staticlet.apiserver.admission import plugin
from staticlet.apiserver.resources import podbinding
from staticlet.apiserver.resources.kind import Kind
from staticlet.apiserver.store.port import Decision, Put, Record
from staticlet.apiserver.verbs import answers, body, options, place, saving
from staticlet.apiserver.verbs.answers import Plain
from staticlet.apiserver.verbs.backend import Backend
from staticlet.kube import core, refusal
from staticlet.kube.validate import errors

WANTED = body.Wanted(api_version="v1", kind="Binding", struct=core.Binding)


async def bind(
    backend: Backend, call: calls.Call, pods: Kind, text: bytes, content_type: str
) -> Plain:
    """Bind the pod that the path, or the body, names.

    Args:
        backend: What there is to work with.
        call: The request: `pods/binding` or `bindings`.
        pods: The kind of pods.
        text: A Binding.
        content_type: Its media type.

    Raises:
        refusal.Refusal: 404; 409, the pod is bound already, or is going; 422, no node is named.
    """
    asked = options.writing(call, "CreateOptions")
    binding = body.decoded(call, text, content_type, WANTED, validation=asked.validation)
    place.fill_namespace(pods, call, binding)
    if call.target.name:
        place.check_name(call, binding)
    name = binding["metadata"].get("name", "")
    found = [*podbinding.check(binding)]
    if not name:
        found.append(errors.required(("metadata", "name")))
    if found:
        raise refusal.invalid("", "Binding", name, found)
    review = plugin.Review(
        call=call, kind=pods, operation="CREATE", object=binding, old=None, name=name
    )
    backend.admission.mutate(review, backend.store)
    backend.admission.validate(review, backend.store)

    def decide(record: Record | None) -> Decision:
        if record is None:
            raise place.missing(pods, name)
        pod = record.object()
        podbinding.bind(pod, binding, call.now)
        return Put(pod)

    await saving.save(backend, call, pods, place.key(pods, call, name), decide)
    return answers.success(201, told=True)
