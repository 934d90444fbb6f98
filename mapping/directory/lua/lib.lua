-- The directory's own functions for writing, prepended (after records.lua) to the scripts that write.

local function d_state(p, kind, id)
  if not id then return nil end
  return call('HGET', p..':'..kind..':'..id, 'state')
end

-- A CMS entity as the index of links names it: the first letter of its kind and its CMS id.
local function d_cmskey(kind, cid) return string.sub(kind, 1, 1)..cid end

-- Whether a group is at the version that a write is for, attributes and membership; '' is any.
local function d_at(want, gen, mgen) return want == '' or want == (gen or '0')..'.'..(mgen or '0') end

-- Moves a record's entry in a hash index. Only the owner's entry is released.
local function d_reindex(key, id, old, new)
  if old and old ~= '' and old ~= new and call('HGET', key, old) == id then call('HDEL', key, old) end
  if new ~= '' then call('HSET', key, new, id) end
end

-- How good a user's claim to an address is: 4 a visible user wishes it, 3 it has something in the CMS there, 2 a tombstone
-- has, 1 it is what a tombstone wished; 0 none.
local function d_claim(p, id, address)
  local f = call('HMGET', p..':u:'..id, 'state', 'addrf', 'caddrf', 'oaddrf')
  local has = f[3] == address or f[4] == address
  if not f[1] or not (has or f[2] == address) then return 0 end
  if d_visible(f[1]) then return f[2] == address and 4 or 3 end
  return has and 2 or 1
end

-- Gives an address to the user with the best claim to it, after a change of one user's claim: the index names one owner, and
-- the others stand in :x:also until it is theirs. Among equals the one who has it keeps it.
local function d_place(p, id, address)
  if not address or address == '' then return end
  local index, more = p..':x:addr', p..':x:also'
  local owner, also = call('HGET', index, address), call('HGET', more, address)
  if not also and (not owner or owner == id) then
    if d_claim(p, id, address) > 0 then call('HSET', index, address, id) else call('HDEL', index, address) end
    return
  end
  local seen, best, claim, rest = {}, nil, 0, {}
  for o in string.gmatch((owner or '')..'\n'..(also or '')..'\n'..id, '[^\n]+') do
    local c = seen[o] and 0 or d_claim(p, o, address)
    seen[o] = true
    if c > claim then
      if best then rest[#rest+1] = best end
      best, claim = o, c
    elseif c > 0 then rest[#rest+1] = o end
  end
  if best then call('HSET', index, address, best) else call('HDEL', index, address) end
  if #rest > 0 then call('HSET', more, address, table.concat(rest, '\n')) else call('HDEL', more, address) end
end

-- The same for all addresses of a user.
local function d_place_all(p, id)
  local f, done = call('HMGET', p..':u:'..id, 'addrf', 'caddrf', 'oaddrf'), {}
  for i = 1, 3 do
    if f[i] and not done[f[i]] then d_place(p, id, f[i]) end
    done[f[i] or ''] = true
  end
end

-- Moves a user's entries in the multi-valued index of e-mails (folded values joined by newlines).
local function d_remail(p, id, seq, old, new)
  if old == new then return end
  for m in string.gmatch(old or '', '[^\n]+') do call('ZREM', p..':xm:'..m, id) end
  for m in string.gmatch(new, '[^\n]+') do call('ZADD', p..':xm:'..m, seq, id) end
end

local function d_redisplay(p, id, seq, old, new)
  if old == new then return end
  if old and old ~= '' then call('ZREM', p..':xd:'..old, id) end
  if new ~= '' then call('ZADD', p..':xd:'..new, seq, id) end
end

-- Holders of a CMS role: visible users are in :ru:, tombstones (they may have the role until the CMS agrees) in :rt:.
local function d_unhold(p, role, id)
  if not role or role == '' then return end
  call('ZREM', p..':ru:'..role, id)
  call('ZREM', p..':rt:'..role, id)
end

local function d_hold(p, role, id, seq, state)
  if not role or role == '' then return end
  local shown = d_visible(state)
  call('ZREM', p..(shown and ':rt:' or ':ru:')..role, id)
  call('ZADD', p..(shown and ':ru:' or ':rt:')..role, seq, id)
end

-- The role of a former account ('' = none): its holders are in :ro:, for the account keeps the role, with access or without.
local function d_former(p, id, role)
  local u = p..':u:'..id
  local was = call('HGET', u, 'orole')
  if was and was ~= '' and was ~= role then call('SREM', p..':ro:'..was, id) end
  if role ~= '' then
    call('SADD', p..':ro:'..role, id)
    call('HSET', u, 'orole', role)
  else call('HDEL', u, 'orole') end
end

-- Keeps the set of those whom the identity provider manages and who have access to the CMS, after a change of either. Who
-- is let in again as wished counts as deprovisioned no more.
local function d_access(p, id)
  local f = call('HMGET', p..':u:'..id, 'managed', 'ckind', 'cactive', 'state', 'active')
  if f[1] ~= '1' or not (f[2] == 'invitation' or (f[2] == 'collaborator' and f[3] == '1')) then
    call('SREM', p..':acc', id)
  elseif call('SADD', p..':acc', id) == 1 and f[4] == 'live' and f[5] == '1' then
    call('ZREM', p..':bw:access', id)
    call('HDEL', p..':bb:access', id)
  end
end

local function d_audit(p, now, event, id)
  call('XADD', p..':audit', 'MAXLEN', '~', '100000', '*', 'at', d_num(now), 'event', event, 'id', id)
end

-- Notes that members of a group were left out because they are no users: how many, and the first of them. What is not shaped
-- like an id may be anything, a person's name too, and is not kept.
local function d_skipped(p, now, id, unknown, count)
  if count == 0 then return end
  local ids = {}
  for i = 1, math.min(#unknown, 20) do
    local shaped = #unknown[i] == 36 and string.match(unknown[i], '^%x+%-%x+%-%x+%-%x+%-%x+$')
    if shaped then ids[#ids+1] = unknown[i] end
  end
  call('XADD', p..':audit', 'MAXLEN', '~', '100000', '*', 'at', d_num(now), 'event', 'group.members.skipped', 'id', id,
    'count', d_num(count), 'members', table.concat(ids, ' '))
end

-- Remembers a tombstone for the pictures of the CMS to come, of which the second that shows nothing of it takes it away.
local function d_tomb(p, member) call('ZADD', p..':tomb', call('GET', p..':pic') or '0', member) end

-- Queues a user whose role may have changed through a group. Nobody without an active wish is queued, and nothing is
-- written for somebody who is not there any more.
local function d_touch(p, id, lane, now)
  local u = call('HMGET', p..':u:'..id, 'state', 'active', 'managed')
  if not u[1] then return end
  if u[3] ~= '1' then
    call('HSET', p..':u:'..id, 'managed', '1')
    d_access(p, id)
  end
  call('HDEL', p..':u:'..id, 'kept')
  if u[1] == 'live' and u[2] == '1' then q_push(p, 'user/'..id, lane, now, '1') end
end

-- Takes a user who is deleted, or was until now, out of all groups. The list of the user's groups lags behind groups with
-- an open fan-out: those are asked too.
local function d_leave_all(p, id, now)
  for _, groups in ipairs({p..':ug:'..id, p..':fans'}) do
    for _, g in ipairs(call('SMEMBERS', groups)) do
      if call('SREM', p..':gm:'..g, id) == 1 then
        call('HINCRBY', p..':g:'..g, 'mgen', 1)
        call('HSET', p..':g:'..g, 'modified', d_num(now))
      end
    end
  end
  call('DEL', p..':ug:'..id)
end
