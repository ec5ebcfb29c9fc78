"""Where hosts come from.

Each target is a folder with the same file names: network, hosts, registry, front_door.
"""
