-- Fragment: the link between a user and a CMS entity, and its indexes.

local function d_cmskey(kind, cid) return string.sub(kind, 1, 1)..cid end

-- Removes a record that the identity provider never touched, with all its index entries.
local function d_forget(p, id)
  local u = p..':u:'..id
  local f = call('HMGET', u, 'unf', 'addrf', 'ext', 'dnf', 'mailsf', 'seq', 'crole', 'ckind', 'cid', 'caddrf')
  d_reindex(p..':x:un', id, f[1], '')
  d_reindex(p..':x:addr', id, f[2], '')
  d_reindex(p..':x:addr', id, f[10], '')
  d_reindex(p..':x:ext', id, f[3], '')
  d_redisplay(p, id, f[6], f[4], '')
  d_remail(p, id, f[6], f[5], '')
  if f[7] and f[7] ~= '' then call('ZREM', p..':ru:'..f[7], id) end
  if f[9] and f[9] ~= '' then d_reindex(p..':x:cms', id, d_cmskey(f[8], f[9]), '') end
  call('ZREM', p..':l:u', id)
  q_drop(p, 'user/'..id)
  call('DEL', u, p..':ug:'..id)
end

-- Who else holds a CMS entity or its address: nil when it is free for `id`; a record that nobody wishes anything of is
-- in nobody's way (it is returned as second value, to be forgotten or unlinked).
local function d_holder(p, id, index, value)
  local o = value ~= '' and call('HGET', index, value)
  if not o or o == id then return nil, nil end
  local f = call('HMGET', p..':u:'..o, 'state', 'managed')
  if not f[1] then return nil, nil end
  if f[2] ~= '1' then return nil, o end
  if f[1] == 'deleted' and (q_state(p, 'user/'..o)) == 'idle' then return nil, o end
  return o, nil
end

-- Takes the entity away from a record that nobody wishes anything of.
local function d_release(p, o)
  if not o then return end
  local f = call('HMGET', p..':u:'..o, 'managed', 'crole')
  if f[1] ~= '1' then return d_forget(p, o) end
  if f[2] and f[2] ~= '' then call('ZREM', p..':ru:'..f[2], o) end
  call('HDEL', p..':u:'..o, 'ckind', 'cid', 'caddr', 'caddrf', 'crole', 'cactive', 'cexpired')
end

-- Links a user to an entity: l = {kind, id, address, address folded, role, active, expired, name}. Kind '' unlinks.
-- Returns the id of a record that has the entity and will not give it up, else nil. `keep` is a CMS id that stays
-- indexed (the former collaborator during a re-invitation).
local function d_link(p, id, l, keep)
  local u, cms, addr = p..':u:'..id, p..':x:cms', p..':x:addr'
  local twin, twin2, clash
  if l[1] ~= '' then
    clash, twin = d_holder(p, id, cms, d_cmskey(l[1], l[2]))
    if clash then return clash end
    clash, twin2 = d_holder(p, id, addr, l[4])
    if clash then return clash end
  end
  d_release(p, twin)
  if twin2 ~= twin then d_release(p, twin2) end
  local o = call('HMGET', u, 'ckind', 'cid', 'caddrf', 'crole', 'addrf', 'seq')
  if o[2] and o[2] ~= '' and o[2] ~= keep then d_reindex(cms, id, d_cmskey(o[1], o[2]), '') end
  if o[3] and o[3] ~= l[4] and o[3] ~= o[5] then d_reindex(addr, id, o[3], '') end
  if o[4] and o[4] ~= '' and o[4] ~= l[5] then call('ZREM', p..':ru:'..o[4], id) end
  if l[1] ~= '' then
    call('HSET', cms, d_cmskey(l[1], l[2]), id)
    call('HSET', addr, l[4], id)
    if l[5] ~= '' then call('ZADD', p..':ru:'..l[5], o[6] or 0, id) end
  end
  call('HSET', u, 'ckind', l[1], 'cid', l[2], 'caddr', l[3], 'caddrf', l[4], 'crole', l[5], 'cactive', l[6],
    'cexpired', l[7], 'cname', l[8], 'miss', '0')
  return nil
end
