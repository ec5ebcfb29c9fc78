"""Releases on their way, as the command shows, begins and steers them."""
