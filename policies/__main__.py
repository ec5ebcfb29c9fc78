"""Start the policy pack: `pulumi preview --policy-pack policies`. It runs until Pulumi ends it."""

from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack

from policies.levels import read
from policies.pack import policies

if __name__ == "__main__":
    PolicyPack(
        name="horcrux",
        enforcement_level=EnforcementLevel.MANDATORY,
        policies=policies(read(Path(__file__).resolve().parent.parent)),
    )
