-- One batch of a group's open fan-out: who left in a swap or deletion, who came in a swap, then everybody when the
-- group's name or role changed. Works for the holder of the group's lease, or for a request that has to go first ('').
-- KEYS: 1 base of the project, 2 the group, 3 its members
-- ARGV: 1 now, 2 id, 3 lease token, 4 batch size
-- Returns {'more'} | {'done'} | {'lost'}
local p, g, m, id, n = KEYS[1], KEYS[2], KEYS[3], ARGV[2], tonumber(ARGV[4])
local now = q_now(p, ARGV[1])
if ARGV[3] ~= '' and not q_fenced(p, 'group/'..id, ARGV[3], now) then return {'lost'} end
local drop = call('HGET', g, 'drop')

-- Whoever is at work may be giving themselves the role that goes: it is deleted after them.
local function tell(u)
  d_touch(p, u, 'normal', now)
  if drop and drop ~= '' and (q_state(p, 'user/'..u)) == 'leased' then call('SADD', m..':busy', u) end
end

local gone = call('SPOP', m..':old', n)
for _, u in ipairs(gone) do
  if call('SISMEMBER', m, u) == 0 then
    call('SREM', p..':ug:'..u, id)
    tell(u)
  end
end
if #gone > 0 then return {'more'} end
local came = call('SPOP', m..':add', n)
for _, u in ipairs(came) do
  if call('SISMEMBER', m, u) == 1 then
    if d_visible(d_state(p, 'u', u)) then
      call('SADD', p..':ug:'..u, id)
      tell(u)
    else -- deleted between staging and swap
      call('SREM', m, u)
      call('HINCRBY', g, 'mgen', 1)
    end
  end
end
if #came > 0 then return {'more'} end
local scan = call('HGET', g, 'fanscan')
if scan and scan ~= '' then
  local r = call('SSCAN', m, scan, 'COUNT', n)
  for _, u in ipairs(r[2]) do tell(u) end
  if r[1] ~= '0' then
    call('HSET', g, 'fanscan', r[1])
    return {'more'}
  end
  call('HDEL', g, 'fanscan')
end
call('SREM', p..':fans', id)
return {'done'}
