-- Compares the CMS's roles with the groups: unknown roles become unmanaged groups, roles that two pictures lack go.
-- KEYS: 1 base of the project
-- ARGV: 1 now, 2 number of the picture, 3 the roles as JSON for everybody to read, 4 the version that they were read
--       after, 5… four values for each role: CMS id, name, name folded, id for a new group
-- Returns {number of groups made, number of groups forgotten, number of groups whose role is missing}
local p, pic = KEYS[1], tonumber(ARGV[2])
local now = q_now(p, ARGV[1])
local seen, made, forgotten, missing = {}, 0, 0, 0
local function busy(g)
  return tonumber(call('HGET', p..':g:'..g, 'stamp') or '0') >= pic or (q_state(p, 'group/'..g)) == 'leased'
    or q_record(p, 'group/'..g)[5] ~= ''
end
-- Roles that were published since the picture was begun are newer than it.
if (call('HGET', p..':meta', 'rolesv') or '0') == ARGV[4] and ARGV[3] ~= call('GET', p..':roles') then
  call('SET', p..':roles', ARGV[3])
  call('HINCRBY', p..':meta', 'rolesv', 1)
end
for i = 5, #ARGV, 4 do
  local rid, name, namef, gid = ARGV[i], ARGV[i+1], ARGV[i+2], ARGV[i+3]
  seen[rid] = true
  local has = call('HGET', p..':x:role', rid)
  local named = call('HGET', p..':x:gname', namef)
  if has then
    local o = call('HMGET', p..':g:'..has, 'managed', 'name', 'namef', 'miss')
    if o[1] ~= '1' and o[2] ~= name and not busy(has) and (not named or named == has) then
      d_reindex(p..':x:gname', has, o[3], namef)
      call('HSET', p..':g:'..has, 'name', name, 'namef', namef, 'rolename', name, 'modified', d_num(now))
      call('HINCRBY', p..':g:'..has, 'gen', 1)
    end
    if o[4] and o[4] ~= '0' then call('HSET', p..':g:'..has, 'miss', '0') end
  elseif not named and call('EXISTS', p..':g:'..gid) == 0 then
    local seq = d_num(call('INCR', p..':seq'))
    call('HSET', p..':g:'..gid, 'state', 'live', 'managed', '0', 'imported', '1', 'owned', '0', 'name', name, 'namef', namef,
      'ext', '', 'doc', '', 'seq', seq, 'gen', '1', 'mgen', '1', 'created', d_num(now), 'modified', d_num(now),
      'roleid', rid, 'rolename', name, 'status', 'synced', 'lsync', d_num(now))
    call('HSET', p..':x:gname', namef, gid)
    call('HSET', p..':x:role', rid, gid)
    call('ZADD', p..':l:g', seq, gid)
    made = made + 1
  end
end
local known = call('HGETALL', p..':x:role')
for i = 1, #known, 2 do
  local rid, gid = known[i], known[i+1]
  if not seen[rid] and not busy(gid) and call('HINCRBY', p..':g:'..gid, 'miss', 1) >= 2 then
    local o = call('HMGET', p..':g:'..gid, 'managed', 'state', 'namef')
    if o[1] == '1' and o[2] ~= 'deleted' then
      call('HSET', p..':g:'..gid, 'status', 'failed', 'code', 'role_missing', 'text', 'the role of this group is gone from the CMS')
      missing = missing + 1
    else
      d_reindex(p..':x:gname', gid, o[3], '')
      call('HDEL', p..':x:role', rid)
      call('ZREM', p..':l:g', gid)
      if o[1] ~= '1' then call('DEL', p..':g:'..gid) else call('HDEL', p..':g:'..gid, 'roleid') end
      forgotten = forgotten + 1
    end
  end
end
return {made, forgotten, missing}
