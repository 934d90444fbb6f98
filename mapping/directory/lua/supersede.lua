-- Fragment: a record takes the address of a tombstone.

-- What a tombstone hands over.
local d_linkfields = {'ckind','cid','caddr','caddrf','crole','cactive','cexpired','cname','aknown','akind','aaddr',
  'arole','aactive','aprofile','stamp','asked'}

-- When calls of a tombstone's key may still arrive in the CMS, the ms at which whoever takes over must look; else 0.
local function d_overlap(p, tomb, now, look)
  local r, at = q_record(p, 'user/'..tomb), 0
  at = tonumber(r[4]) or 0
  if (q_state(p, 'user/'..tomb)) == 'leased' or r[5] ~= '' then at = math.max(at, now + look) end
  return at, r[5]
end

-- Makes a tombstone's former account (on_email_change: reinvite) the link of the record that has its address now. The
-- tombstone's key keeps its other work, but not its lease: its holder planned with the account.
local function d_inherit_old(p, tomb, id, old, now, look)
  local t, u, key = p..':u:'..tomb, p..':u:'..id, 'user/'..tomb
  local at, intent = d_overlap(p, tomb, now, look)
  call('HSET', u, 'ckind', old[1], 'cid', old[2], 'caddr', old[3], 'caddrf', old[4], 'crole', old[5] or '', 'cactive', old[6] or '0',
    'cexpired', '0', 'cname', '')
  d_former(p, tomb, '')
  call('HDEL', t, 'okind', 'ocid', 'oaddr', 'oaddrf', 'oactive')
  call('HSET', p..':x:cms', d_cmskey(old[1], old[2]), id)
  d_hold(p, old[5], id, call('HGET', u, 'seq') or 0, 'live')
  d_access(p, id)
  local state = q_state(p, key)
  if state == 'leased' then q_revoke(p, key) else q_drop(p, key) end
  if state ~= 'idle' then
    q_push(p, key, 'leavers', now, '1')
    if intent ~= '' then q_intent(p, key, intent, d_num(at)) end
    q_look(p, key, at)
  end
  return '', at
end

-- Moves what the tombstone has in the CMS under the address `addr` to a record that has no link of its own: link, last
-- applied state, open intent and look, and the tombstone's key leaves the queue, when its holder has
-- ended the call that may be under way. What it has elsewhere stays with it and
-- with its key, so that a leaver's access is still taken away: an account under another address (on_email_change: keep),
-- the former account of a re-invitation. Returns the intent and the look for the record's key ('' and 0: none).
local function d_supersede(p, tomb, id, addr, now, look)
  local t, u, key = p..':u:'..tomb, p..':u:'..id, 'user/'..tomb
  local at, intent = d_overlap(p, tomb, now, look)
  local f = call('HMGET', t, unpack(d_linkfields))
  local linked = f[2] and f[2] ~= ''
  if not linked or f[4] ~= addr then
    local old = call('HMGET', t, 'okind', 'ocid', 'oaddr', 'oaddrf', 'orole', 'oactive')
    if old[2] and old[2] ~= '' and old[4] == addr then return d_inherit_old(p, tomb, id, old, now, look) end
  end
  if linked and f[4] ~= addr then return '', at end
  -- What was asked for by either may still be on its way.
  local asked = call('HGET', u, 'asked')
  if asked and asked ~= '' then f[#d_linkfields] = asked..((f[#d_linkfields] or '') ~= '' and '\n'..f[#d_linkfields] or '') end
  for i, name in ipairs(d_linkfields) do
    if f[i] then call('HSET', u, name, f[i]) end
  end
  -- Writes of two records do not compare: nothing of the new one was applied.
  call('HSET', u, 'awrites', '0')
  call('HDEL', t, 'awrites', unpack(d_linkfields))
  if linked then call('HSET', p..':x:cms', d_cmskey(f[1], f[2]), id) end
  d_access(p, tomb)
  d_access(p, id)
  d_unhold(p, f[5], tomb)
  d_hold(p, f[5], id, call('HGET', u, 'seq') or 0, 'live')
  local old, state = call('HGET', t, 'ocid'), q_state(p, key)
  if state == 'leased' then
    q_intent(p, key, '', '')
    q_revoke(p, key)
  else q_drop(p, key) end
  if old and old ~= '' and state ~= 'idle' then
    q_push(p, key, 'leavers', now, '1')
    q_look(p, key, at)
  end
  return intent, at
end

-- Queues a user after a commit that may have taken over a tombstone's intent and look, and returns the ticket. An intent
-- of its own is kept.
local function d_push_with(p, key, lane, now, intent, look)
  local ticket = q_push(p, key, lane, now, '1')
  if intent ~= '' and q_record(p, key)[5] == '' then q_intent(p, key, intent, d_num(look)) end
  if look > 0 then q_look(p, key, look) end
  return ticket
end
