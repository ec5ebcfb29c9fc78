"""What runs in a cluster and how it is, read over the managers' API; used by releases and by the command."""
