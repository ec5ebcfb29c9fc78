"""Fails in the way that the environment variable FAIL_BY names."""

import os
import sys
import time
from pathlib import Path

if os.environ["FAIL_BY"] == "raising":
    raise ValueError("boom")
if os.environ["FAIL_BY"] == "exiting":
    sys.exit(3)
Path("pid.part").write_text(f"{os.getpid()} {os.getppid()}")
Path("pid.part").rename("pid")
time.sleep(600)
