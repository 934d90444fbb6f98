-- What the brake has counted. Writes nothing.
-- KEYS: 1 base of the project
-- ARGV: 1 now, 2 access | role, 3 percent, 4 least, 5 window in ms, 6 '1': name the people
-- Returns {people in the window, allowed, people with access at its start} | {ids of the people in the window}
local p = KEYS[1]
local now = (q_time(p, ARGV[1]))
if ARGV[6] == '1' then return call('ZRANGEBYSCORE', p..':bw:'..ARGV[2], '('..d_num(now - tonumber(ARGV[5])), '+inf') end
return {d_window(p, ARGV[2], now, tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]))}
