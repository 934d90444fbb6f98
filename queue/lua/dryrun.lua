-- Mark a dry run, or take one replica's mark away. It needs the clock only: a backup, during which nothing is written to the
-- record, must not let the mark run out.
-- KEYS[1] base   ARGV now|'', replica, ms for which the mark lasts; '0' takes it away
-- Returns how many replicas have a mark now.
local p = KEYS[1]
local now = (q_time(p, ARGV[1]))
redis.call('ZREMRANGEBYSCORE', p .. ':q:dry', '-inf', q_num(now))
if tonumber(ARGV[3]) > 0 then
  redis.call('ZADD', p .. ':q:dry', q_num(now + tonumber(ARGV[3])), ARGV[2])
  redis.call('PEXPIRE', p .. ':q:dry', ARGV[3])
else
  redis.call('ZREM', p .. ':q:dry', ARGV[2])
end
return redis.call('ZCARD', p .. ':q:dry')
