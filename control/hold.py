"""A request that waits at the edge until its app has a task, in Lua: HAProxy has no such action.

`core.msleep` gives HAProxy's thread back, so that other requests go on. After a reload the old worker
looks for tasks no more: what waits there is handed to the new one, by a socket between the two.
"""

EVERY_MS = 50  # between two looks at whether a task is up
AGAIN = "again"  # the backend of the old worker that leads to the new one

HOLD = f"""\
local function now()
    local time = core.now()
    return time.sec + time.usec / 1e6
end

-- http-request lua.hold SECONDS
core.register_action("hold", {{"http-req"}}, function(txn, seconds)
    local backend, ends = txn:get_var("txn.backend"), now() + tonumber(seconds)
    while txn.f:nbsrv(backend) == 0 and now() < ends do
        if txn.f:stopping() == 1 then
            txn:set_var("txn.backend", "{AGAIN}")
            return
        end
        core.msleep({EVERY_MS})
    end
end, 1)
"""
