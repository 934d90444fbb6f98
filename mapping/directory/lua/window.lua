-- What the brake has counted. Writes nothing.
-- KEYS: 1 base of the project
-- ARGV: 1 now, 2 access | role, 3 percent, 4 least, 5 window in ms
-- Returns {people in the window, allowed, people with access at its start}
local p = KEYS[1]
return {d_window(p, ARGV[2], (q_time(p, ARGV[1])), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]))}
