"""A day of an app's traffic: requests in every ten seconds, in traffic_day.json beside this file.

Few at night, a peak before noon and a higher one in the evening, noise that lasts for minutes as well as
noise of the moment, and a burst of four minutes in the afternoon, when somebody links to the app. To
make it anew: `python -m tests.unit.recorded.traffic_day > tests/unit/recorded/traffic_day.json`.
"""

import json
import math
import random

SECONDS, STEPS = 10, 8640
NIGHT, NOON, EVENING = 8.0, 240.0, 380.0  # requests per second
BURST = range(14 * 360 + 220, 14 * 360 + 244)  # 14:36:40 to 14:40:40
TIMES_MORE = 3.0
SEED = 5


def day() -> list[int]:
    """Requests in each ten seconds from midnight on; the same every time."""
    dice, drift, found = random.Random(SEED), 0.0, []
    for step in range(STEPS):
        hour = step / 360
        rate = NIGHT + _peak(hour, 11.0, 2.2) * NOON + _peak(hour, 20.0, 1.6) * EVENING
        drift = 0.97 * drift + dice.gauss(
            0, 0.02
        )  # about 8 % in all, forgotten within five minutes
        rate *= math.exp(drift) * (TIMES_MORE if step in BURST else 1.0)
        mean = rate * SECONDS
        found.append(max(0, round(dice.gauss(mean, math.sqrt(mean)))))
    return found


def _peak(hour: float, at: float, width: float) -> float:
    return math.exp(-(((hour - at) / width) ** 2) / 2)


if __name__ == "__main__":
    print(json.dumps(day()))
