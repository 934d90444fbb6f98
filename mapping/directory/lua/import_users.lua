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
local function busy(id)
  return tonumber(call('HGET', p..':u:'..id, 'stamp') or '0') >= pic or (q_state(p, 'user/'..id)) == 'leased'
    or q_record(p, 'user/'..id)[5] ~= ''
end
for at = 3, #ARGV, 8 do
  local l = {}
  for i = at, at + 7 do l[#l+1] = ARGV[i] end
  local pos = d_num((at - 3) / 8)
  local id = call('HGET', p..':x:cms', d_cmskey(l[1], l[2])) or call('HGET', p..':x:addr', l[4])
  if not id then out[#out+1] = pos; out[#out+1] = 'new'; out[#out+1] = ''
  elseif not busy(id) then
    local o = call('HMGET', p..':u:'..id, 'ckind', 'cid', 'caddr', 'caddrf', 'crole', 'cactive', 'cexpired', 'cname',
      'managed', 'state', 'active', 'ocid', 'aactive', 'aknown')
    local same = true
    for i = 1, 8 do same = same and o[i] == l[i] end
    if o[12] ~= l[2] then
      if not same then
        local clash = d_link(p, id, l, o[12] or '')
        -- Somebody who was invited anew under another address is in: the account under the old one can go.
        if not clash and o[9] == '1' and o[12] and o[12] ~= '' and l[1] == 'collaborator' then
          q_push(p, 'user/'..id, 'background', now, '0')
        end
        if not clash and o[9] ~= '1' then out[#out+1] = pos; out[#out+1] = 'changed'; out[#out+1] = id end
      elseif call('HGET', p..':u:'..id, 'miss') ~= '0' then call('HSET', p..':u:'..id, 'miss', '0') end
      local access = l[1] == 'invitation' or l[6] == '1'
      if o[9] == '1' and access and (o[10] == 'deleted' or (o[10] == 'live' and o[11] == '0')) and
        (q_state(p, 'user/'..id)) == 'idle' then
        call('HSET', p..':u:'..id, 'aknown', '0')
        q_push(p, 'user/'..id, 'leavers', now, '0')
        d_audit(p, now, 'access.repair', id)
        out[#out+1] = pos; out[#out+1] = 'repair'; out[#out+1] = id
      end
    end
  end
end
return out
