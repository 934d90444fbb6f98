-- End a lease. A lease that is gone, or was revoked, queues a look instead.
-- KEYS[1] base   ARGV now|'', key, token, look ms (2 call deadlines), look at|'0',
--                     ticket, verdict, after ms, lane|'', code, text, limit|'', call|''
-- Returns what q_finish returns.
local p, key, token = KEYS[1], ARGV[2], ARGV[3]
local now = q_now(p, ARGV[1])
if not q_fenced(p, key, token, now) then
  q_lost(p, key, ARGV[9], now, now + tonumber(ARGV[4]))
  q_yield(p, key, token, now)
  return 'lost'
end
q_look(p, key, ARGV[5])
return q_finish(p, key, token, now, ARGV[6], ARGV[7], now + tonumber(ARGV[8]), ARGV[9], ARGV[10], ARGV[11], ARGV[12], ARGV[13])
