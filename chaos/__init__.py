"""Chaos and soak: an agent on a real containerd under rough hands, for minutes; root only.

`python -m chaos` does random deeds and holds the machine to what the files say; `python -m
chaos.soak` lets ordinary life go on and watches what the agent uses. `model` and `verdict` are
pure. Nothing here is shipped.
"""
