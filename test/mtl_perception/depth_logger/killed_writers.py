"""Start a writing process ROUNDS times and kill -9 it at a random moment; prints the names that were said to be logged.

    python killed_writers.py FOLDER ROUNDS SEED

Forked, as importing anew for each would take most of the time.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from logged import encoded, open_log

from mtl_perception.depth_logger.camera_agreement import make_folder
from mtl_perception.depth_logger.disk_space import DiskSpace

LONGEST = 0.08
"""Seconds until the kill: from the start in every third round, else from the first frame on."""
ROOM = 12_000
"""Bytes for each run: three frames, so that frames are dropped too when the kill comes."""
LAST_SECOND = 20
"""Seconds after which a writer that nobody killed ends, whatever became of this process."""


def write(root: Path, said: int) -> None:
    signal.alarm(LAST_SECOND)
    make_folder(root)
    log = open_log(root, quota=DiskSpace(root, 1, 0).used + ROOM, give_up=True)
    number = 0
    while True:
        # More useful than all before, so that these give way.
        batch = [encoded(number + i, view_change=time.monotonic()) for i in range(random.randint(1, 3))]
        number += len(batch)
        names = [name for name in log.append(batch) if isinstance(name, str)]
        os.write(said, "".join(f"{name}\n" for name in names).encode())


def main() -> None:
    root, rounds, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    random.seed(seed)
    logged: list[str] = []
    for i in range(rounds):
        heard, said = os.pipe()
        writer = os.fork()
        if not writer:
            os.close(heard)  # so that writing to a reader that is gone ends the writer
            random.seed(seed + i)
            try:
                write(root, said)
            finally:
                os._exit(1)
        os.close(said)
        if i % 3:
            logged += os.read(heard, 1000).decode().split()
        time.sleep(random.uniform(0, LONGEST))
        assert os.waitpid(writer, os.WNOHANG) == (0, 0), "the writer ended by itself"
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        with os.fdopen(heard) as pipe:
            logged += pipe.read().split()
    print(json.dumps(logged))


main()
