"""The page that people on call look at, and what it asks.

It shows what a `Source` tells and can silence an alert; it changes nothing else and keeps nothing:
sessions are signed cookies, so that any of several processes may answer. It deliberately has one
account and no roles. It runs on Debian's python3-aiohttp, python3-bcrypt and libjs-chart.js.
"""
