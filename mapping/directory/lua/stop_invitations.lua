-- Notes that the CMS takes no invitations, whoever is invited.
-- KEYS: 1 base of the project, 2 the stop of invitations
-- ARGV: 1 now, 2 code, 3 text, 4 ms until it is forgotten
-- Returns 'ok'
local now = q_now(KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'code', ARGV[2], 'text', ARGV[3], 'probed', d_num(now))
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 'ok'
