-- Fragment: membership changes of one group. Prepended where it is used.

-- Members and keys that one commit touches at most.
local d_most = 1000

-- Who of the ids from ARGV[first] to ARGV[last] is no user: a list of ids, and the same as a set.
local function d_unknown(p, first, last)
  local out, set = {}, {}
  for i = first, last do
    if not d_visible(d_state(p, 'u', ARGV[i])) then
      out[#out+1] = ARGV[i]
      set[ARGV[i]] = true
    end
  end
  return out, set
end

-- What a change comes to: the ids that leave and the ids that come; nil when that is more than one commit may touch.
-- ARGV[first] to ARGV[last] are the ids to add, what follows are those to remove; `skip` is the set to leave out.
local function d_diff(p, gid, replace, first, last, skip)
  local m, leave, come = p..':gm:'..gid, {}, {}
  if not replace then
    for i = first, last do
      if not skip[ARGV[i]] then come[#come+1] = ARGV[i] end
    end
    for i = last + 1, #ARGV do leave[#leave+1] = ARGV[i] end
    return leave, come
  end
  if call('SCARD', m) > 2 * d_most then return nil end
  local keep, has = {}, {}
  for i = first, last do keep[ARGV[i]] = not skip[ARGV[i]] or nil end
  for _, id in ipairs(call('SMEMBERS', m)) do
    has[id] = true
    if not keep[id] then leave[#leave+1] = id end
  end
  for i = first, last do
    local id = ARGV[i]
    if keep[id] and not has[id] then
      come[#come+1] = id
      has[id] = true
    end
  end
  if #leave + #come > d_most then return nil end
  return leave, come
end

local function d_join(p, gid, id, now)
  if call('SADD', p..':gm:'..gid, id) == 0 then return 0 end
  call('SADD', p..':ug:'..id, gid)
  d_touch(p, id, 'normal', now)
  return 1
end

local function d_leave(p, gid, id, now)
  if call('SREM', p..':gm:'..gid, id) == 0 then return 0 end
  call('SREM', p..':ug:'..id, gid)
  d_touch(p, id, 'interactive', now)
  return 1
end

-- Applies a change of membership and raises the group's membership generation.
local function d_change(p, gid, leave, come, now)
  local changed = 0
  for _, id in ipairs(leave) do changed = changed + d_leave(p, gid, id, now) end
  for _, id in ipairs(come) do changed = changed + d_join(p, gid, id, now) end
  if changed > 0 then
    call('HINCRBY', p..':g:'..gid, 'mgen', 1)
    call('HSET', p..':g:'..gid, 'modified', d_num(now))
  end
  return changed
end
