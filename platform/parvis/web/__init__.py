"""The HTTP doors: they turn requests into typed values, call the hall, and write the answer."""
