-- What a sync needs to know of one group, for the holder of its lease.
-- KEYS: 1 base of the project
-- ARGV: 1 now, 2 id, 3 lease token
-- Returns {'ok', group or false, queue record, version of the roles, now, holders of the role to drop with work waiting,
--         fingerprint of the rules, holders of the role whom the brake holds, holders who keep it,
--         1 if a group that was deleted may be at work on the role of this one's name} | {'lost'}
local p, key = KEYS[1], 'group/'..ARGV[2]
local now = q_now(p, ARGV[1])
if not q_fenced(p, key, ARGV[3], now) then return {'lost'} end
local g = p..':g:'..ARGV[2]
local heir = call('HGET', g, 'heir')
if heir and heir ~= '' then
  call('HDEL', g, 'heir')
  if call('HGET', g, 'state') == 'live' then d_inherit(p, heir, ARGV[2]) end
end
local waiting, held, keep = 0, 0, 0
local role, busy = call('HGET', g, 'drop'), p..':gm:'..ARGV[2]..':busy'
if not role or role == '' then call('DEL', busy)
else
  for _, id in ipairs(call('SMEMBERS', busy)) do
    local s = (q_state(p, 'user/'..id))
    if s == 'queued' or s == 'leased' then waiting = waiting + 1 else call('SREM', busy, id) end
  end
  local former = call('SRANDMEMBER', p..':ro:'..role, 200)
  for _, holders in ipairs({call('ZRANGE', p..':ru:'..role, 0, 199), call('ZRANGE', p..':rt:'..role, 0, 199), former}) do
    for _, id in ipairs(holders) do
      local s = (q_state(p, 'user/'..id))
      if s == 'queued' or s == 'leased' then waiting = waiting + 1 elseif s == 'held' then held = held + 1 else keep = keep + 1 end
    end
  end
end
return {'ok', d_group(p, ARGV[2], 0), q_record(p, key), call('HGET', p..':meta', 'rolesv') or '0', d_num(now), d_num(waiting),
  call('HGET', p..':rules', 'hash') or '', d_num(held), d_num(keep), d_num(call('HEXISTS', g, 'heir'))}
