"""How images get to the hosts, as the command sees it: the cache, the registry, what lies on hosts."""
