"""Pulumi components: settings → targets → cluster → supply → edge → apps, in that direction only.

None of them reads configuration or the environment of the process; they are told what to make.
"""
