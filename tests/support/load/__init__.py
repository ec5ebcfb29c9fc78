"""Load on an app, from its clients' side of the front door, and what came of each request.

An open loop: requests go out by a timetable, whatever became of those before, as those of many
independent users do. The client runs in a process of its own, so that what a test does meanwhile
neither slows it down nor looks like a slow app.
"""

from tests.support.load.process import Load
from tests.support.load.result import Failure, Result, Sort
from tests.support.load.timetable import SHARES, SHORT, WITHOUT_SOCKETS

__all__ = ["SHARES", "SHORT", "WITHOUT_SOCKETS", "Failure", "Load", "Result", "Sort"]
