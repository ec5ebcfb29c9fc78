"""The image cache: a pull-through cache before any number of registries, one task on every manager.

What it deliberately does not do: it takes no pushes, and it deletes nothing that a manifest which it
keeps needs, unless the disk or its limit leaves no other way.
"""
