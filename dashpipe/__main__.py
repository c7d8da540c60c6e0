"""``python -m dashpipe``: the same as the command ``dashpipe``."""

from __future__ import annotations

from dashpipe.cli import main

if __name__ == "__main__":
    main()
