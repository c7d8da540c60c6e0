"""A small process that ends a server when the process that started it is gone, however that ended.

Called as ``python guard.py PID MARK FOLDER`` with a pipe as standard input: when every holder of the other
end has gone, it ends the process group PID (if MARK is in its command line) and removes FOLDER, if given.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from dashpipe.embedded.process import end

    sys.stdin.buffer.read()
    end(int(sys.argv[1]), sys.argv[2], patience=5)
    if sys.argv[3]:
        shutil.rmtree(sys.argv[3], ignore_errors=True)
