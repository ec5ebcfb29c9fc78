"""One rule that is mandatory, and one that mends what it finds."""

from typing import Any

import pulumi
from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

label = pulumi.Config("engine-app").get("label")
print("policy pack started for", pulumi.get_project(), pulumi.get_stack(), label)


def labelled(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type == "docker:index/volume:Volume":
        values = [entry.get("value") for entry in args.props.get("labels") or []]
        if "none" in values:
            report("volumes need a label other than 'none'")


def add_label(args: Any) -> Any:
    if args.resource_type == "docker:index/network:Network" and not args.props.get("labels"):
        return {**args.props, "labels": [{"label": "engine", "value": "added-by-policy"}]}
    return None


PolicyPack(
    "engine-policy",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        ResourceValidationPolicy("labelled", "volumes carry a label", labelled),
        ResourceValidationPolicy(
            "net-label",
            "networks get a label",
            validate=lambda _args, _report: None,
            remediate=add_label,
            enforcement_level=EnforcementLevel.REMEDIATE,
        ),
    ],
)
