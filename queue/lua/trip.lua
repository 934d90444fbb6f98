-- Open the circuit.
-- KEYS[1] base   ARGV now|'', reason, code, first ms, longest ms
-- Returns the ms for which nothing is taken.
local p = KEYS[1]
return q_trip(p, q_now(p, ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]))
