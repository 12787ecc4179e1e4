"""HTTP glue: TLS listeners, negotiation, Status answers; ignorant of what is served."""
