-- Compares a chunk of a picture of the CMS with the record. A record that a sync wrote after the picture was begun, or
-- that is being worked on, stays as it is.
-- KEYS: 1 base of the project
-- ARGV: 1 now, 2 number of the picture, 3… eight values for each entity: kind, CMS id, address, address folded, role,
--       active, expired, full name
-- Returns a flat list {position (0-based), what, id…}: 'new' (nobody has it) | 'changed' (an unmanaged person looks
--         different: write its document anew) | 'repair' (a leaver has access)
local p, pic = KEYS[1], tonumber(ARGV[2])
local now = q_now(p, ARGV[1])
local out = {}
call('ZREMRANGEBYSCORE', p..':gone', '-inf', '('..ARGV[2])
local function report(at, what, id)
  out[#out+1] = d_num((at - 3) / 8); out[#out+1] = what; out[#out+1] = id
end

-- The record that an entity belongs to, and what it is there: 'link', 'old' (the former account of a re-invitation) or
-- 'address' (the record has the entity's address). A link that is still there is not given up for another entity.
local function owner_of(l)
  local entity = d_cmskey(l[1], l[2])
  local id = call('HGET', p..':x:cms', entity)
  if id then
    local o = call('HMGET', p..':u:'..id, 'ckind', 'cid', 'okind', 'ocid')
    if o[2] and d_cmskey(o[1] or '', o[2]) == entity then return id, 'link' end
    if o[4] and d_cmskey(o[3] or '', o[4]) == entity then return id, 'old' end
    call('HDEL', p..':x:cms', entity)
  end
  -- What a sync has let go of since the picture was begun is nobody's any more, whoever has its address.
  id = l[4] ~= '' and not call('ZSCORE', p..':gone', entity) and call('HGET', p..':x:addr', l[4])
  if not id then return nil end
  local o = call('HMGET', p..':u:'..id, 'state', 'cid', 'caddrf')
  if not o[1] then return nil end
  if not o[2] or o[2] == '' or o[3] == l[4] then return id, 'address' end
  return id, nil
end

-- Brings a record's link up to date. Reports false when somebody else will not give up the entity or its address.
local function observe(at, id, l)
  local o = call('HMGET', p..':u:'..id, 'ckind', 'cid', 'caddr', 'caddrf', 'crole', 'cactive', 'cexpired', 'cname', 'managed',
    'ocid')
  local same = true
  for i = 1, 8 do same = same and o[i] == l[i] end
  if same then return true end
  if d_link(p, id, l, '') then return false end
  if not d_managed(p, id, o[9]) then report(at, 'changed', id)
  elseif o[10] and o[10] ~= '' and l[1] == 'collaborator' then
    -- Somebody who was invited anew under another address is in: the account under the old one can go.
    q_push(p, 'user/'..id, 'background', now, '0')
  end
  return true
end

-- Access of somebody who is to have none is taken away again, however it came.
local function repair(at, id, l)
  if l[1] ~= 'invitation' and l[6] ~= '1' then return end
  local o = call('HMGET', p..':u:'..id, 'managed', 'state', 'active')
  if o[1] ~= '1' or not (o[2] == 'deleted' or (o[2] == 'live' and o[3] == '0')) then return end
  if (q_state(p, 'user/'..id)) ~= 'idle' then return end
  call('HSET', p..':u:'..id, 'aknown', '0')
  q_push(p, 'user/'..id, 'leavers', now, '0')
  d_audit(p, now, 'access.repair', id)
  report(at, 'repair', id)
end

for at = 3, #ARGV, 8 do
  local l = {}
  for i = at, at + 7 do l[#l+1] = ARGV[i] end
  local id, what = owner_of(l)
  if what == 'link' and (call('HGET', p..':u:'..id, 'miss') or '0') ~= '0' then call('HSET', p..':u:'..id, 'miss', '0') end
  if what == 'old' then call('HDEL', p..':u:'..id, 'omiss') end
  if not id then
    if not call('ZSCORE', p..':gone', d_cmskey(l[1], l[2])) then report(at, 'new', '') end
  elseif what and not d_busy(p, p..':u:'..id, 'user/'..id, pic) then
    if what == 'old' then
      call('HSET', p..':u:'..id, 'oactive', l[6])
      d_former(p, id, l[5])
      repair(at, id, l)
    elseif observe(at, id, l) then repair(at, id, l) end
  end
end
return out
