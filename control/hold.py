"""A request that waits at the edge until its app has a task, in Lua: HAProxy has no such action.

`core.msleep` gives HAProxy's thread back, so that other requests go on.
"""

EVERY_MS = 50  # between two looks at whether a task is up

HOLD = f"""\
-- http-request lua.hold BACKEND SECONDS
core.register_action("hold", {{"http-req"}}, function(txn, backend, seconds)
    local ends = core.now().sec + tonumber(seconds)
    while txn.f:nbsrv(backend) == 0 and core.now().sec < ends do
        core.msleep({EVERY_MS})
    end
end, 2)
"""
