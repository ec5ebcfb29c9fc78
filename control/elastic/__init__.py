"""Elastic apps: as many tasks as they need for what they are asked, by the label `horcrux.elastic`.

policy.py and schedule.py say what is allowed, sampler.py and measure.py what is asked, need.py how
many tasks that takes, decision.py how many there are to be, capacity.py how many more find room.
All these are pure but for the asking; scaler.py does it.
"""
