"""The CRI adapter of the runtime port: gRPC over a unix socket."""
