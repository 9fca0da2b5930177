"""Proof by damage: what is too long for `make test`. Everything here is started by the Makefile."""
