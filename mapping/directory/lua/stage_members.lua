-- Stages a chunk of a long member list under temporary keys that vanish by themselves.
-- KEYS: 1 base of the project, 2 the group's members, 3 the staged list, 4 the staged list's newcomers
-- ARGV: 1 ttl ms, 2… ids (at most 4,000)
-- Returns {members staged so far, ids that are no users and are not staged}
local p, unknown = KEYS[1], {}
for i = 2, #ARGV do
  if d_visible(d_state(p, 'u', ARGV[i])) then
    call('SADD', KEYS[3], ARGV[i])
    if call('SISMEMBER', KEYS[2], ARGV[i]) == 0 then call('SADD', KEYS[4], ARGV[i]) end
  else unknown[#unknown+1] = ARGV[i] end
end
call('PEXPIRE', KEYS[3], ARGV[1])
call('PEXPIRE', KEYS[4], ARGV[1])
return {call('SCARD', KEYS[3]), unknown}
