#!/bin/sh
# `make setup`: finds a Python that is new enough, and hands over to engine/venv.py and setup.py.
# Usage: engine/setup.sh [test|bench]
set -eu
cd "$(dirname "$0")/.."

new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

for python in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
  if new_enough "$python"; then
    "$python" -m engine.venv
    exec .venv/bin/python -m engine.setup "$@"
  fi
done

echo "setup: no Python 3.11 or newer was found" >&2
echo "  To go on: install one (Debian 12, Ubuntu 24.04 and newer have it as python3)," >&2
echo "  or name it: make setup PYTHON=/path/to/python3.12" >&2
exit 1
