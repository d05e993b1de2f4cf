"""Countermand: cancel a print order once; it becomes so in the other system, and is proven."""

__version__ = "0.1.0"
