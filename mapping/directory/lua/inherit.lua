-- Fragment: a group that takes a tombstone's name takes its role and the ownership of it, unless a worker may be deleting
-- that role at this moment: then the group waits for it (`heir`) and asks again. The tombstone's key stays queued: its
-- former members are still to be told. A role of its own that the proxy made goes when its holders have been given the other one; one that was found in the CMS stays its own.
local function d_inherit(p, tomb, id)
  local t, g, key = p..':g:'..tomb, p..':g:'..id, 'group/'..tomb
  local f = call('HMGET', t, 'roleid', 'rolename', 'owned', 'imported')
  if not f[1] or f[1] == '' then return end
  if (q_state(p, key)) == 'leased' or q_record(p, key)[5] ~= '' then return call('HSET', g, 'heir', tomb) end
  local own = call('HMGET', g, 'roleid', 'owned')
  if own[1] and own[1] ~= '' then
    if own[2] == '1' then d_drop(p, id, own[1])
    elseif call('HGET', p..':x:role', own[1]) == id then return end
  end
  call('HSET', g, 'roleid', f[1], 'rolename', f[2] or '', 'owned', f[3] or '0', 'imported', f[4] or '0')
  if call('HGET', p..':x:role', f[1]) == tomb then call('HSET', p..':x:role', f[1], id) end
  call('HDEL', t, 'roleid', 'rolename', 'owned', 'imported')
  d_undrop(p, tomb, f[1])
  call('HDEL', p..':left', f[1])
end
