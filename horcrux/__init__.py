"""The library behind the `horcrux` command: settings, and what Pulumi has no verb for."""
