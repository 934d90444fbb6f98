-- Fragment: the link between a user and a CMS entity, and its indexes.

-- Removes a record that the identity provider never touched, with all its index entries.
local function d_forget(p, id)
  local u = p..':u:'..id
  local f = call('HMGET', u, 'unf', 'addrf', 'ext', 'dnf', 'mailsf', 'seq', 'crole', 'ckind', 'cid', 'caddrf', 'oaddrf')
  d_former(p, id, '')
  d_reindex(p..':x:un', id, f[1], '')
  d_reindex(p..':x:ext', id, f[3], '')
  d_redisplay(p, id, f[6], f[4], '')
  d_remail(p, id, f[6], f[5], '')
  d_unhold(p, f[7], id)
  if f[9] and f[9] ~= '' then d_reindex(p..':x:cms', id, d_cmskey(f[8], f[9]), '') end
  call('ZREM', p..':l:u', id)
  call('SREM', p..':acc', id)
  q_drop(p, 'user/'..id)
  call('DEL', u, p..':ug:'..id)
  for _, at in ipairs({2, 10, 11}) do d_place(p, id, f[at]) end
end

-- Whether an entity is a record's former account, and nobody gets in by it any more.
local function d_retired(p, o, entity)
  local f = call('HMGET', p..':u:'..o, 'okind', 'ocid', 'oactive')
  return f[1] == 'collaborator' and f[3] ~= '1' and d_cmskey(f[1], f[2]) == entity
end

-- Who else holds a CMS entity or its address: nil when it is free for `id`; a record that nobody wishes anything of, or
-- that has the entity as a former account without access, is in nobody's way (it is returned as second value, to be
-- forgotten or unlinked). The third value says that `id` has it.
local function d_holder(p, id, index, value)
  local o = call('HGET', index, value)
  if not o or o == id then return nil, nil, o == id end
  local f = call('HMGET', p..':u:'..o, 'state', 'managed')
  if not f[1] then return nil, nil end
  if not d_managed(p, o, f[2]) then return nil, o end
  if f[1] == 'deleted' and (q_state(p, 'user/'..o)) == 'idle' then return nil, o end
  if index == p..':x:cms' and d_retired(p, o, value) then return nil, o end
  return o, nil
end

-- Whether somebody who has an address by now keeps an account of their own under another one (on_email_change: keep): they
-- will not take what is there, nor answer for it.
local function d_keeps(p, o, entity, addrf)
  local f = call('HMGET', p..':u:'..o, 'ckind', 'cid', 'caddrf')
  return f[1] == 'collaborator' and d_cmskey(f[1], f[2]) ~= entity and f[3] ~= addrf
end

-- Takes an entity, or what stands in its place under its address, away from a record that nobody wishes anything of: its
-- link, or the former account of a re-invitation, which it would else lock out at its next sync.
local function d_release(p, o, entity, addrf)
  if not o then return end
  local f = call('HMGET', p..':u:'..o, 'managed', 'crole', 'ckind', 'cid', 'caddrf', 'addrf', 'okind', 'ocid', 'oaddrf', 'state')
  if not d_managed(p, o, f[1]) then return d_forget(p, o) end
  local old = f[8] and f[8] ~= '' and d_cmskey(f[7], f[8])
  if old and (old == entity or f[9] == addrf) then
    d_reindex(p..':x:cms', o, old, '')
    d_former(p, o, '')
    call('HDEL', p..':u:'..o, 'okind', 'ocid', 'oaddr', 'oaddrf', 'oactive')
    d_place(p, o, f[9])
  end
  local has = f[4] and f[4] ~= '' and d_cmskey(f[3], f[4])
  if f[10] ~= 'deleted' or not has or (has ~= entity and f[5] ~= addrf) then return end
  d_unhold(p, f[2], o)
  d_reindex(p..':x:cms', o, has, '')
  call('HDEL', p..':u:'..o, 'ckind', 'cid', 'caddr', 'caddrf', 'crole', 'cactive', 'cexpired', 'cname')
  d_place(p, o, f[5])
  d_access(p, o)
end

-- Queues again whoever wishes the address of what a record had in the CMS, and is parked because of that, once the record
-- stands in the way no more. had = {kind, id, address folded, …} before the record was written, in threes.
local function d_wake(p, id, had, now)
  for i = 1, #had, 3 do
    local w = had[i+1] and had[i+1] ~= '' and had[i+2] and call('HGET', p..':x:addr', had[i+2])
    if w and w ~= id then
      local state, code = q_state(p, 'user/'..w)
      local free = not d_holder(p, w, p..':x:cms', d_cmskey(had[i], had[i+1]))
      if state == 'parked' and code == 'address_taken' and free then q_push(p, 'user/'..w, 'normal', now, '1') end
    end
  end
end

-- Notes that a sync knows an entity to be no record's any more: a picture that was begun before shows it all the same.
local function d_gone(p, id, entity)
  if call('HGET', p..':x:cms', entity) == id then
    call('HDEL', p..':x:cms', entity)
    call('ZADD', p..':gone', call('GET', p..':pic') or '0', entity)
  end
end

-- Whether a record is about to let go of an entity ('1' or '0'): a leaver's, whose own sync is under way or due, or one that has
-- another address by now and is still to withdraw its invitation.
local function d_leaving(p, o, kind, cid)
  local state = q_state(p, 'user/'..o)
  local f = call('HMGET', p..':u:'..o, 'state', 'ckind', 'cid', 'caddrf', 'addrf', 'okind', 'ocid')
  if f[1] == 'deleted' then return state ~= 'parked' and state ~= 'held' and '1' or '0' end
  local link = f[2] == 'invitation' and kind == 'invitation' and f[3] == cid and f[4] ~= f[5]
  local old = f[6] == 'invitation' and kind == 'invitation' and f[7] == cid
  return (state == 'queued' or state == 'leased') and (link or old) and '1' or '0'
end

-- Links a user to an entity: l = {kind, id, address, address folded, role, active, expired, name}. Kind '' unlinks.
-- Returns the id of a record that has the entity or its address and will not give it up, else nil. `keep` is an entity
-- that stays indexed (the former collaborator during a re-invitation). `own` says that a call of this user has made the
-- entity: it is theirs, though somebody else may have its address by now.
local function d_link(p, id, l, keep, own)
  local u, cms, addr = p..':u:'..id, p..':x:cms', p..':x:addr'
  local o = call('HMGET', u, 'ckind', 'cid', 'caddrf', 'crole', 'seq', 'state', 'cactive')
  local had = o[2] and o[2] ~= '' and d_cmskey(o[1], o[2]) or ''
  local has = l[1] ~= '' and d_cmskey(l[1], l[2]) or ''
  local clash, twin, twin2, linked
  if has ~= '' then
    clash, twin, linked = d_holder(p, id, cms, has)
    if clash then return clash end
  end
  if has ~= '' and l[4] ~= '' then
    clash, twin2 = d_holder(p, id, addr, l[4])
    if clash then
      -- Somebody else has the address by now. What was this record's under it stays its own, and so does a leaver's: all
      -- of it, if the other one keeps another account.
      local keeps = o[6] == 'deleted' and d_keeps(p, clash, has, l[4])
      if not own and not keeps and (had ~= has or (o[3] ~= l[4] and o[6] ~= 'deleted')) then return clash end
    end
  end
  d_release(p, twin, has, l[4])
  if twin2 ~= twin then d_release(p, twin2, has, l[4]) end
  if had ~= '' and had ~= has and had ~= keep then d_gone(p, id, had) end
  if o[4] ~= l[5] then d_unhold(p, o[4], id) end
  if has ~= '' then
    if not linked then call('HSET', cms, has, id) end
    d_hold(p, l[5], id, o[5] or 0, o[6])
  end
  local f = {'ckind', l[1], 'cid', l[2], 'caddr', l[3], 'caddrf', l[4], 'crole', l[5], 'cactive', l[6],
    'cexpired', l[7], 'cname', l[8], 'miss', '0'}
  -- Whoever appears from now on may be the one who accepts it with another account.
  if l[1] == 'invitation' and had ~= has then f[19], f[20], f[21], f[22] = 'invseq', call('GET', p..':seq') or '0', 'resends', '0'
  elseif l[1] == 'collaborator' then f[19], f[20] = 'invseq', '0' end
  call('HSET', u, unpack(f))
  if o[3] ~= l[4] then
    d_place(p, id, o[3])
    d_place(p, id, l[4])
  end
  if o[1] ~= l[1] or o[7] ~= l[6] then d_access(p, id) end
  return nil
end

-- Notes the former collaborator of a re-invitation: o = {kind, id, address, address folded, role, active}; kind '' when
-- there is none any more. What the one before it left in the indexes goes.
local function d_old(p, id, o)
  local u = p..':u:'..id
  local f = call('HMGET', u, 'okind', 'ocid', 'oaddrf', 'ckind', 'cid')
  local has = o[2] ~= '' and d_cmskey(o[1], o[2]) or ''
  local was = f[2] and f[2] ~= '' and d_cmskey(f[1], f[2]) or ''
  local link = f[5] and f[5] ~= '' and d_cmskey(f[4], f[5]) or ''
  if was ~= '' and was ~= has and was ~= link then d_gone(p, id, was) end
  if has ~= '' then
    call('HSETNX', p..':x:cms', has, id)
  end
  call('HSET', u, 'okind', o[1], 'ocid', o[2], 'oaddr', o[3], 'oaddrf', o[4], 'oactive', o[6])
  call('HDEL', u, 'omiss')
  d_former(p, id, has ~= '' and o[5] or '')
  if f[3] ~= o[4] then
    d_place(p, id, f[3])
    d_place(p, id, o[4])
  end
end

-- Whether a picture of the CMS says nothing about a record: a sync wrote it after the picture was begun, or is at it.
local function d_busy(p, record, key, pic)
  return tonumber(call('HGET', record, 'stamp') or '0') >= pic or (q_state(p, key)) == 'leased'
    or q_record(p, key)[5] ~= ''
end
