"""What stays as it is written: MongoDB's own words in a spec."""

from __future__ import annotations

import json

from dashpipe.spec.node import Node, plain


def json_of(node: Node) -> str:
    """A node as JSON: what is MongoDB's own stays as it is written."""
    return json.dumps(plain(node), ensure_ascii=False, separators=(",", ":"))
