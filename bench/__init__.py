"""What `make bench` measures, on an environment of its own beside whatever else is up.

A bench is a function from an environment and a number of runs to figures; benches.py lists them.
Nothing here passes or fails: figures go to build/bench.json, build/bench.svg and the terminal.
"""
