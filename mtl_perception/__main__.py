"""Where ``mtl-perception`` begins: Ctrl-C ends it without a traceback also while its modules come up, for seconds."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Run the command line; exit codes as of ``cli.main``."""
    try:
        from mtl_perception import cli

        return cli.main()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
