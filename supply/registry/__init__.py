"""The environment's registry: CNCF distribution, and a gate before it that says who may do what.

The gate gives tokens, keeps tags from changing their meaning, and holds pushes while room is freed. All
else is distribution's; pulls and the content of pushes never go through Python.
"""
