-- Forget a key, unless it is leased.
-- KEYS[1] base   ARGV key
-- Returns 'done', 'leased' or 'idle' (there was nothing).
local state = q_state(KEYS[1], ARGV[1])
if state == 'idle' or state == 'leased' then return state end
q_drop(KEYS[1], ARGV[1])
return 'done'
