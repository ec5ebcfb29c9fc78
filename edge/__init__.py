"""The agent beside HAProxy on every host: it fetches, checks and swaps the configuration.

It decides nothing: what the configuration says is control's matter. It runs on Debian's
python3-aiohttp and nothing else.
"""
