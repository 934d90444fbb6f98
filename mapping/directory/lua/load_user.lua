-- What a sync needs to know of one user, for the holder of its lease. Writes nothing.
-- KEYS: 1 base of the project
-- ARGV: 1 now, 2 id, 3 lease token
-- Returns {'ok', user or false, queue record, version of the roles, now, fingerprint of the rules, 1 if a leaver whose account it
-- was may still have a call about it under way} | {'lost'}
local p, key = KEYS[1], 'user/'..ARGV[2]
local now = (q_time(p, ARGV[1]))
local rec, busy = q_own(p, key, ARGV[3], now), false
if not rec then return {'lost'} end
if q_set(rec[4]) or q_set(rec[5]) then -- whoever takes over from a holder at work has to look
  local f = call('HMGET', p..':u:'..ARGV[2], 'addrf', 'caddrf', 'cid', 'oaddrf', 'ocid')
  busy = q_yields(p, key, now, {'mail:'..(f[1] or ''), 'mail:'..(f[2] or ''), 'id:'..(f[3] or ''), 'mail:'..(f[4] or ''), 'id:'..(f[5] or '')})
end
return {'ok', d_user(p, ARGV[2], rec), rec, call('HGET', p..':meta', 'rolesv') or '0', d_num(now),
  call('HGET', p..':rules', 'hash') or '', busy and '1' or '0'}
