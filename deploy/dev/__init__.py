"""What `make demo` and `make test` run: real parts fetched by hash and started on loopback.

Nothing here belongs in production; the gateway never imports it.
"""
