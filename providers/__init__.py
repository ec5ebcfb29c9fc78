"""Resources that no plugin offers, as Pulumi dynamic providers.

Each module holds one resource class and the functions that its life is made of: `create`, `diff`,
`update`, `delete`, those it needs. Pulumi pickles a dynamic provider into the state; what it pickles
here is only a module's name (see `delegate`), so that a changed line of code changes no resource.
"""
