-- Counts people whose CMS entity a picture lacks. Only the second picture in a row is believed.
-- KEYS: 1 base of the project
-- ARGV: 1 now, 2 number of the picture, 3… pairs: index value of the entity (kind letter and CMS id), id of the record
-- Returns a flat list {id, what}: 'forgotten' (nobody wished anything of it) | 'gone' (the link is dropped)
local p, pic = KEYS[1], tonumber(ARGV[2])
local out = {}
for i = 3, #ARGV, 2 do
  local id = ARGV[i+1]
  local u = p..':u:'..id
  local o = call('HMGET', u, 'ckind', 'cid', 'stamp', 'managed', 'state', 'active', 'misspic', 'addrf')
  local s = (q_state(p, 'user/'..id))
  if not o[1] or o[1] == '' or d_cmskey(o[1], o[2]) ~= ARGV[i] then
    if call('HGET', u, 'ocid') ~= string.sub(ARGV[i], 2) then call('HDEL', p..':x:cms', ARGV[i]) end
  elseif tonumber(o[3] or '0') < pic and s ~= 'leased' and q_record(p, 'user/'..id)[5] == '' then
    local misses = call('HINCRBY', u, 'miss', 1)
    if misses >= 2 then
      if o[4] ~= '1' then d_forget(p, id); out[#out+1] = id; out[#out+1] = 'forgotten'
      else
        d_link(p, id, {'', '', '', '', '', '', '', ''}, '')
        if o[5] == 'live' and o[6] == '1' and s == 'idle' then
          call('HSET', u, 'status', 'failed', 'code', 'invitation_gone', 'text',
            'the invitation or collaborator is gone from the CMS; it is made again when the identity provider writes this user')
        end
        out[#out+1] = id; out[#out+1] = 'gone'
      end
    end
  end
end
return out
