"""Wiring: the only place that constructs things and joins them."""
