"""Object metadata: name, namespace, labels, annotations, owners, finalizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from staticlet.kube import fieldpath, names
from staticlet.kube.validate import errors, labels, peek

MIRROR_ANNOTATION = "kubernetes.io/config.mirror"
_ANNOTATIONS_LIMIT = 256 * 1024
_STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")


Naming: TypeAlias = Callable[[str], names.Messages]
"""What is wrong with a name, for the kinds of objects that are named so."""


def check(
    meta: peek.Object, path: fieldpath.Path, *, naming: Naming = names.dns_subdomain
) -> errors.Errors:
    """The metadata of an object.

    Args:
        meta: The metadata.
        path: Where it stands.
        naming: The rule of its name.
    """
    if generated := peek.text(meta, "generateName"):
        messages = naming(_without_trailing_dash(generated))
        yield from errors.each((*path, "generateName"), generated, messages)
    if name := peek.text(meta, "name"):
        yield from errors.each((*path, "name"), name, naming(name))
    else:
        yield errors.required((*path, "name"), "name or generateName is required")
    if namespace := peek.text(meta, "namespace"):
        yield from errors.each((*path, "namespace"), namespace, names.dns_label(namespace))
    yield from errors.not_negative((*path, "generation"), peek.number(meta, "generation"))
    yield from check_rest(meta, path)


def check_rest(meta: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """What may change in metadata: labels, annotations, owners, finalizers."""
    yield from labels.check(peek.text_map(meta, "labels"), (*path, "labels"))
    yield from check_annotations(peek.text_map(meta, "annotations"), (*path, "annotations"))
    yield from _owners(peek.objects(meta, "ownerReferences"), (*path, "ownerReferences"))
    yield from check_finalizers(peek.texts(meta, "finalizers"), (*path, "finalizers"))


def check_annotations(notes: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """Annotations: keys are qualified names in any case; all together at most 256 KiB."""
    for key in notes:
        yield from errors.each(path, key, names.qualified_name(key.lower()))
    size = sum(names.byte_length(key) + names.byte_length(note) for key, note in notes.items())
    if size > _ANNOTATIONS_LIMIT:
        yield errors.too_long(path, _ANNOTATIONS_LIMIT)


def _without_trailing_dash(name: str) -> str:
    # A generated name goes on after the dash, so any letter may stand for what follows.
    return f"{name[:-1]}a" if len(name) > 1 and name.endswith("-") else name


def _owners(owners: tuple[peek.Object, ...], path: fieldpath.Path) -> errors.Errors:
    controller = ""
    for index, owner in enumerate(owners):
        at = (*path, index)
        version = peek.text(owner, "apiVersion")
        if not version.rpartition("/")[2]:
            yield errors.invalid((*at, "apiVersion"), version, "version must not be empty")
        for field in ("kind", "name", "uid"):
            if not peek.text(owner, field):
                yield errors.invalid((*at, field), "", "must not be empty")
        if not peek.flag(owner, "controller"):
            continue
        this = f"{peek.text(owner, 'kind')}/{peek.text(owner, 'name')}"
        if controller:
            detail = (
                "Only one reference can have Controller set to true. "
                f'Found "true" in references for {controller} and {this}'
            )
            yield errors.invalid(path, [dict(each) for each in owners], detail)
        controller = controller or this


def check_finalizers(finalizers: tuple[str, ...], path: fieldpath.Path) -> errors.Errors:
    """Finalizers: names of ours, or qualified ones."""
    for finalizer in finalizers:
        yield from errors.each(path, finalizer, names.qualified_name(finalizer))
    if {"orphan", "foregroundDeletion"} <= set(finalizers):
        detail = "finalizer orphan and foregroundDeletion cannot be both set"
        yield errors.invalid(path, list(finalizers), detail)
    for index, finalizer in enumerate(finalizers):
        if "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
            detail = "name is neither a standard finalizer name nor is it fully qualified"
            yield errors.invalid((*path, index), finalizer, detail)
