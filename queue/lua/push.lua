-- Queue a key.
-- KEYS[1] base   ARGV now|'', key, lane, fresh ('1'|'0')
-- Returns the ticket.
local p = KEYS[1]
return q_push(p, ARGV[2], ARGV[3], q_now(p, ARGV[1]), ARGV[4])
