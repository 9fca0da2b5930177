"""Parvis: the assistant gateway that public administrations run on their own machines."""

__version__ = "0.1.0"
