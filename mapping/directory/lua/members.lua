-- Fragment: membership changes of one group, at most a thousand members at a time. Prepended where it is used.

-- Who of the ids from ARGV[first] to ARGV[last] is no user: a list of ids.
local function d_unknown(p, first, last)
  local out = {}
  for i = first, last do
    if not d_visible(d_state(p, 'u', ARGV[i])) then out[#out+1] = ARGV[i] end
  end
  return out
end

-- Applies a change to a group's members and raises its generations. `skip` holds ids to leave out.
local function d_change(p, gid, replace, adds, removes, skip, now)
  local changed = 0
  if replace then
    local keep = {}
    for _, id in ipairs(adds) do keep[id] = true end
    removes = {}
    for _, id in ipairs(call('SMEMBERS', p..':gm:'..gid)) do
      if not keep[id] then removes[#removes+1] = id end
    end
  end
  for _, id in ipairs(removes) do changed = changed + d_leave(p, gid, id, now) end
  for _, id in ipairs(adds) do
    if not skip[id] then changed = changed + d_join(p, gid, id, now) end
  end
  if changed > 0 then
    call('HINCRBY', p..':g:'..gid, 'mgen', 1)
    call('HINCRBY', p..':g:'..gid, 'gen', 1)
    call('HSET', p..':g:'..gid, 'modified', d_num(now))
  end
  return changed
end
