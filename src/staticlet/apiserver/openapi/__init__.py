"""The API described for clients: OpenAPI v3 and v2, made of the API's types when first asked for.

`kubectl explain`, `apply`, `diff`, `edit` and client-side validation read it.
"""
