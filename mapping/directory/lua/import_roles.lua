-- Compares the CMS's roles with the groups: unknown roles become unmanaged groups, roles that two pictures lack go.
-- KEYS: 1 base of the project
-- ARGV: 1 now, 2 number of the picture, 3 the roles as JSON for everybody to read, 4 the version that they were read
--       after, 5… five values for each role: CMS id, name, name folded, id for a new group, use count of the name that the
--       id was made with
-- Returns {groups made, groups forgotten, groups whose role is missing, {position (0-based), use count…}, version now}: the
--         fourth are roles whose id belongs to another group; they are to be sent again with the use count given.
local p, pic = KEYS[1], tonumber(ARGV[2])
local now = q_now(p, ARGV[1])
local seen, again, made, forgotten, missing = {}, {}, 0, 0, 0
-- Roles that were published since the picture was begun are newer than it: a sync made, renamed or deleted one.
local fresh = (call('HGET', p..':meta', 'rolesv') or '0') == ARGV[4]

local function make(rid, name, namef, gid, uses)
  local seq = d_num(call('INCR', p..':seq'))
  if uses ~= '0' then call('HSET', p..':x:gcount', namef, uses) end
  call('HSET', p..':g:'..gid, 'key', namef, 'uses', uses)
  call('HSET', p..':g:'..gid, 'state', 'live', 'managed', '0', 'imported', '1', 'owned', '0', 'name', name, 'namef', namef,
    'ext', '', 'doc', '', 'seq', seq, 'gen', '1', 'mgen', '1', 'created', d_num(now), 'modified', d_num(now),
    'roleid', rid, 'rolename', name, 'status', 'synced', 'lsync', d_num(now))
  call('HSET', p..':x:gname', namef, gid)
  call('HSET', p..':x:role', rid, gid)
  call('ZADD', p..':l:g', seq, gid)
  made = made + 1
end

local function known(gid, rid, name, namef, named)
  local g = p..':g:'..gid
  local o = call('HMGET', g, 'managed', 'name', 'namef', 'miss', 'code', 'roleid')
  if o[1] ~= '1' and o[2] ~= name and (not named or named == gid) and not d_busy(p, g, 'group/'..gid, pic) then
    d_reindex(p..':x:gname', gid, o[3], namef)
    call('HSET', g, 'name', name, 'namef', namef, 'rolename', name, 'modified', d_num(now))
    call('HINCRBY', g, 'gen', 1)
  end
  if o[4] and o[4] ~= '0' and o[6] == rid then
    call('HSET', g, 'miss', '0')
    if o[5] == 'role_missing' then call('HSET', g, 'status', 'synced', 'code', '', 'text', '') end
  end
end

local function lacking(rid, gid)
  local g = p..':g:'..gid
  local o = call('HMGET', g, 'managed', 'state', 'namef', 'misspic', 'roleid', 'drop')
  if tonumber(o[4] or '0') >= pic or d_busy(p, g, 'group/'..gid, pic) then return end
  if o[5] ~= rid then -- a role that was to be deleted, and is
    d_reindex(p..':x:role', gid, rid, '')
    return
  end
  call('HSET', g, 'misspic', d_num(pic))
  if call('HINCRBY', g, 'miss', 1) < 2 then return end
  if o[1] == '1' and o[2] ~= 'deleted' then
    call('HSET', g, 'status', 'failed', 'code', 'role_missing', 'text', 'the role of this group is gone from the CMS')
    missing = missing + 1
    return
  end
  d_reindex(p..':x:gname', gid, o[3], '')
  call('HDEL', p..':x:role', rid)
  call('ZREM', p..':l:g', gid)
  if o[1] ~= '1' then call('DEL', g) else call('HDEL', g, 'roleid', 'rolename', 'owned') end
  forgotten = forgotten + 1
end

-- A role that a group has left behind goes once nobody is known to hold it any more. If the CMS refuses all the same, it is
-- not asked again before somebody has held it since.
local function untie(rid, gid)
  local g, tried = p..':g:'..gid, 'tried:'..rid
  if call('ZCARD', p..':ru:'..rid) + call('ZCARD', p..':rt:'..rid) + call('SCARD', p..':ro:'..rid) > 0 then return call('HDEL', g, tried) end
  local o = call('HMGET', g, 'state', 'roleid')
  if not o[1] or (o[1] ~= 'deleted' and o[2] == rid) or call('HSETNX', g, tried, '1') == 0 then return end
  d_drop(p, gid, rid)
  q_push(p, 'group/'..gid, 'background', now, '1')
end

if fresh and ARGV[3] ~= call('GET', p..':roles') then
  call('SET', p..':roles', ARGV[3])
  call('HINCRBY', p..':meta', 'rolesv', 1)
end
for i = 5, #ARGV, 5 do
  local rid, name, namef, gid, uses = ARGV[i], ARGV[i+1], ARGV[i+2], ARGV[i+3], ARGV[i+4]
  seen[rid] = true
  local has, named = call('HGET', p..':x:role', rid), call('HGET', p..':x:gname', namef)
  if has then known(has, rid, name, namef, named)
  elseif not named and fresh then
    local count = tonumber(call('HGET', p..':x:gcount', namef) or '0')
    if count > tonumber(uses) then again[#again+1] = d_num((i - 5) / 5); again[#again+1] = d_num(count)
    elseif call('EXISTS', p..':g:'..gid) == 1 then again[#again+1] = d_num((i - 5) / 5); again[#again+1] = d_num(tonumber(uses) + 1)
    else make(rid, name, namef, gid, uses) end
  end
end
local behind = call('HGETALL', p..':left')
for i = 1, #behind, 2 do
  if seen[behind[i]] then untie(behind[i], behind[i+1])
  elseif fresh then call('HDEL', p..':left', behind[i]) end
end
local index = call('HGETALL', p..':x:role')
for i = 1, #index, 2 do
  if not seen[index[i]] then lacking(index[i], index[i+1]) end
end
return {made, forgotten, missing, again, call('HGET', p..':meta', 'rolesv') or '0'}
