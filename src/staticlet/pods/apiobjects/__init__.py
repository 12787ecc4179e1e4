"""Config maps, secrets and tokens that pods of the API refer to: which, and what comes of them.

All of it is pure. Who gets them from an API server is not known here: see `held.Objects`.
"""
