"""This Linux machine: processes, cgroups, mounts, directory events."""
