"""Walks: how an app's requests come from one release to the next, carried out by the control that leads.

The plan and the progress are labels of the Swarm config `horcrux-traffic-APP`: nothing is lost with a
control, and any other one goes on. plan.py and progress.py say what stands there, walk.py holds both,
wanted.py says what each phase wants of the Swarm, advance.py when the next phase begins, analysis.py
whether a canary is good, and conductor.py does it.
"""
