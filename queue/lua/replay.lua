-- Make keys due now.
-- KEYS[1] base   ARGV now|'', code|'' (only keys that are parked with it), key...
-- Returns how many there were.
local p = KEYS[1]
local now, n = q_now(p, ARGV[1]), 0
for i = 3, #ARGV do n = n + q_again(p, ARGV[i], now, ARGV[2]) end
return n
