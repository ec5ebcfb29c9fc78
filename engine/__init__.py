"""How the Pulumi engine, and what else the project runs on, gets onto this machine.

`make setup` runs it. Nothing here knows about environments, stacks or apps.
"""
