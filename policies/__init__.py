"""The policies that every environment is held to (Pulumi CrossGuard).

`rules` says what must hold, `levels` how strictly in this environment, `pack` puts both together.
Nothing here starts the pack: `__main__` does, for PolicyPack() never returns.
"""
