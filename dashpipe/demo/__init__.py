"""Example data: real flights, and a generated online-learning platform."""

from __future__ import annotations

from dashpipe.demo.errors import DemoError
from dashpipe.demo.flights import airport_documents, carrier_documents, flight_documents
from dashpipe.demo.learning import Platform, platform
from dashpipe.demo.load import Progress, load_flights, load_learning

__all__ = [
    "DemoError",
    "Platform",
    "Progress",
    "airport_documents",
    "carrier_documents",
    "flight_documents",
    "load_flights",
    "load_learning",
    "platform",
]
