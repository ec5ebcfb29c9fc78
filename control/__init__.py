"""The one small service of the platform's own inside the cluster; it owns no state.

It watches the Swarm and serves what the edges need. Everything it knows is read from the Swarm, so
that it may be lost at any time: the edges go on with the last configuration they had.
It runs on Debian's python3-aiohttp and nothing else.
"""
