"""`python -m serverless_cli.local.server FOLDER` serves the instance whose facts are in FOLDER."""

import sys
from pathlib import Path

from serverless_cli.local.server.boot import main

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
