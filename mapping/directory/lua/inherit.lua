-- Fragment: a group that takes a tombstone's name takes its role and the ownership of it, unless a worker may be deleting
-- that role at this moment. The tombstone's key stays queued: its former members are still to be told.
local function d_inherit(p, tomb, id)
  local t, key = p..':g:'..tomb, 'group/'..tomb
  local f = call('HMGET', t, 'roleid', 'rolename', 'owned', 'imported')
  if not f[1] or f[1] == '' then return end
  if (q_state(p, key)) == 'leased' or q_record(p, key)[5] ~= '' then return end
  call('HSET', p..':g:'..id, 'roleid', f[1], 'rolename', f[2] or '', 'owned', f[3] or '0', 'imported', f[4] or '0')
  call('HSET', p..':x:role', f[1], id)
  call('HDEL', t, 'roleid', 'rolename', 'owned', 'imported', 'drop')
end
