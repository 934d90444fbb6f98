-- Notes, before a CMS write, that it may happen, and leases the CMS identities that it touches. A call that takes
-- something from a person passes the brake here, in the script that says that it may be sent: no two replicas count the
-- same place. What an operator approved for this ticket is not counted.
-- KEYS: 1 base of the project, 2 the record
-- ARGV: 1 now, 2 queue key, 3 lease token, 4 lease ms, 5 call deadline in ms from now, 6 intent,
--       7 what it takes: '' | access | role, 8 ticket, 9 percent, 10 least, 11 window in ms (d_window),
--       12 n, then n fields and values of the record, then identities
-- Returns 'ok' | 'dry' (a dry run: nothing may be sent) | 'busy' (another key has an identity, or is about to let go of what is
--         at the address to invite) | 'lost' | {'held', people in the window, allowed, keys held before}
local p, key, takes = KEYS[1], ARGV[2], ARGV[7]
local now = q_now(p, ARGV[1])
if not q_fenced(p, key, ARGV[3], now) then return 'lost' end
if q_dry(p, now) then return 'dry' end
local n = tonumber(ARGV[12])

-- Whether somebody who had an address before is at work and about to let go of what they have there: nobody can be invited yet.
local function let_go(address)
  for o in string.gmatch(call('HGET', p..':x:also', address) or '', '[^\n]+') do
    local f = call('HMGET', p..':u:'..o, 'ckind', 'cid', 'caddrf', 'okind', 'ocid', 'oaddrf')
    local state = q_state(p, 'user/'..o)
    for i = 1, 4, 3 do
      if f[i+2] == address and (state == 'queued' or state == 'leased') and d_leaving(p, o, f[i], f[i+1]) == '1' then return true end
    end
  end
  return false
end

for i = 13, 12 + n, 2 do
  if ARGV[i] == 'asked' and let_go(string.match(ARGV[i+1], '[^\n]*$')) then return 'busy' end
end
local judged = takes ~= '' and not q_approved(p, key, ARGV[8])
local id, window, base = string.sub(key, 6), tonumber(ARGV[11]), nil
if judged then
  local people, allowed
  people, allowed, base = d_window(p, takes, now, tonumber(ARGV[9]), tonumber(ARGV[10]), window)
  if not d_passes(p, takes, id, now, window, people, allowed) then
    return {'held', people, allowed, d_num(q_held(p))}
  end
end
if #ARGV > 12 + n and not q_ident(p, key, ARGV[3], now, tonumber(ARGV[4]), unpack(ARGV, 13 + n)) then return 'busy' end
if judged then d_count(p, takes, id, now, window, base) end
q_intent(p, key, ARGV[6], d_num(now + tonumber(ARGV[5])))
call('HSET', KEYS[2], 'stamp', call('GET', p..':pic') or '0', unpack(ARGV, 13, 12 + n))
return 'ok'
