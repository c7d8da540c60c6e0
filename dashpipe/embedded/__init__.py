"""The embedded MongoDB-protocol server: found, started as a process of its own, and stopped.

It is GPL-2.0, and so never imported and never bundled: dashpipe knows its command line and its wire protocol
only.
"""

from __future__ import annotations

from dashpipe.embedded.builds import NATIVE, PYTHON, Build, find_build
from dashpipe.embedded.errors import EmbeddedError
from dashpipe.embedded.server import Server, find, start

__all__ = ["NATIVE", "PYTHON", "Build", "EmbeddedError", "Server", "find", "find_build", "start"]
