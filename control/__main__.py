"""`python3 -m control serve` runs the service; `edges` prints what the edges say; `ask` asks the service."""

import asyncio
import json
import logging
import sys


async def edges() -> None:
    """Print the edges' answers as JSON."""
    from control.edges import gather
    from control.swarm import Swarm

    swarm = Swarm()
    try:
        print(json.dumps(await gather(swarm)))
    finally:
        await swarm.close()


def main(words: list[str]) -> int:
    """Do what the first word says; each loads what it needs alone, for `ask` is to be quick."""
    match words[0]:
        case "ask":
            from control import ask

            return ask.main(words[1:])
        case "edges":
            asyncio.run(edges())
        case _:
            from control.service import run

            logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
            asyncio.run(run())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
