-- What a sync needs to know of one user, for the holder of its lease.
-- KEYS: 1 base of the project
-- ARGV: 1 now, 2 id, 3 lease token
-- Returns {'ok', user or false, queue record, version of the roles, now, fingerprint of the rules} | {'lost'}
local p, key = KEYS[1], 'user/'..ARGV[2]
local now = q_now(p, ARGV[1])
if not q_fenced(p, key, ARGV[3], now) then return {'lost'} end
return {'ok', d_user(p, ARGV[2]), q_record(p, key), call('HGET', p..':meta', 'rolesv') or '0', d_num(now),
  call('HGET', p..':rules', 'hash') or ''}
