"""Uses the component of the package beside it, without any generated code."""

import pulumi


class Pair(pulumi.ComponentResource):
    first: pulumi.Output[str]

    def __init__(self) -> None:
        args = {"prefix": pulumi.Config().require("prefix"), "first": None}
        super().__init__("engine-pair:index:Pair", "p", args, None, remote=True)


pulumi.export("first", Pair().first)
