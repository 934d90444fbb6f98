-- What a sync needs to know of one user, for the holder of its lease who did not get it with the lease, or not just now.
-- KEYS: 1 base of the project
-- ARGV: 1 now, 2 id, 3 lease token
-- Returns what d_work does | {'lost'}
local p = KEYS[1]
local now = (q_time(p, ARGV[1]))
local rec = q_own(p, 'user/'..ARGV[2], ARGV[3], now)
return rec and d_work(p, ARGV[2], rec, now) or {'lost'}
