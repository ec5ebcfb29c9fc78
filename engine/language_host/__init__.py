"""A Python language host for the Pulumi engine, over the gRPC stubs of the package `pulumi`.

It stands in for the host of the official installer, which is in no module that can be built. It
runs programs, policy packs and component plugins. It generates no code and starts no debugger.

It is started often and must start fast: it imports the standard library, `pulumi` and `grpc`.
"""
