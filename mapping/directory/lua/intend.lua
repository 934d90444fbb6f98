-- Notes, before a CMS write, that it may happen, and leases the CMS identities that it touches.
-- KEYS: 1 base of the project, 2 the record
-- ARGV: 1 now, 2 queue key, 3 lease token, 4 lease ms, 5 call deadline in ms from now, 6 intent, 7 n, then n fields and
--       values of the record, then identities
-- Returns 'ok' | 'busy' (another key has an identity) | 'lost'
local p = KEYS[1]
local now = q_now(p, ARGV[1])
if not q_fenced(p, ARGV[2], ARGV[3], now) then return 'lost' end
local n = tonumber(ARGV[7])
for i = 8 + n, #ARGV do
  if not q_ident(p, ARGV[2], ARGV[3], now, tonumber(ARGV[4]), ARGV[i]) then return 'busy' end
end
q_intent(p, ARGV[2], ARGV[6], d_num(now + tonumber(ARGV[5])))
for i = 8, 7 + n, 2 do call('HSET', KEYS[2], ARGV[i], ARGV[i+1]) end
call('HSET', KEYS[2], 'stamp', call('GET', p..':pic') or '0')
return 'ok'
