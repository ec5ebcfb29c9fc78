"""The environment's registry (`supply.registry`), and the cache before others' (`supply.cache`).

Both are processes of one image; see docs/images.md. Neither knows anything of Pulumi or of the cluster.
"""
