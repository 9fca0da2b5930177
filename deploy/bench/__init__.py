"""Benchmarks of the whole installation, on loopback: figures to look at, never tests."""
