-- Asks whether an invitation may be sent, while the CMS may have said that it takes none at all.
-- KEYS: 1 base of the project, 2 the stop of invitations
-- ARGV: 1 now, 2 ms between two probes, 3 ms until a stop that nobody probes is forgotten, 4 for an invitation (1), or only to
--       look whether it is time for a probe, whatever may pass (0): those whom it was for may be gone
-- Returns {'open'} | {'probe' | 'stopped', code, text}: 'probe' once in that time over all replicas
local p, stop = KEYS[1], KEYS[2]
local now = q_now(p, ARGV[1])
local r = redis.call('HMGET', stop, 'code', 'text', 'free', 'probed')
if not r[1] then return {'open'} end
if ARGV[4] == '1' and (tonumber(r[3] or '') or 0) > 0 then
  redis.call('HINCRBY', stop, 'free', '-1')
  return {'open'}
end
local due = now - (tonumber(r[4] or '') or 0) >= tonumber(ARGV[2])
if due then
  redis.call('HSET', stop, 'probed', d_num(now))
  redis.call('PEXPIRE', stop, ARGV[3])
end
return {due and 'probe' or 'stopped', r[1], r[2]}
