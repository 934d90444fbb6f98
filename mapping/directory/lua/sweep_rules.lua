-- Queues the next batch of what new rules concern: first the managed groups, then the managed users, oldest first. What is
-- parked for a reason that rules decide is taken up again; anything else that is parked stays so.
-- KEYS: 1 base of the project
-- ARGV: 1 now, 2 queue key of the sweep, 3 its lease token, 4 batch size
-- Returns {'more' | 'done', keys queued} | {'lost'}
local p, n = KEYS[1], tonumber(ARGV[4])
local now = q_now(p, ARGV[1])
if not q_fenced(p, ARGV[2], ARGV[3], now) then return {'lost'} end
local by_rule = {role_missing = true, privileged_role = true}
local key = p..':rules'
local at = call('HMGET', key, 'groups', 'users')

local function queue(kind, id)
  local k = kind..'/'..id
  local state, code = q_state(p, k)
  q_push(p, k, 'background', now, state == 'parked' and by_rule[code] and '1' or '0')
end

local function batch(field, kind, letter, from)
  local rows = call('ZRANGEBYSCORE', p..':l:'..letter, '('..from, '+inf', 'WITHSCORES', 'LIMIT', 0, n)
  local queued = 0
  for i = 1, #rows, 2 do
    local flag = call('HGET', p..':'..letter..':'..rows[i], 'managed')
    if flag == '1' or (letter == 'u' and d_managed(p, rows[i], flag)) then
      queue(kind, rows[i])
      queued = queued + 1
    end
  end
  call('HSET', key, field, #rows > 0 and rows[#rows] or 'end')
  return queued
end

if at[1] and at[1] ~= 'end' then return {'more', batch('groups', 'group', 'g', at[1])} end
if at[2] and at[2] ~= 'end' then return {'more', batch('users', 'user', 'u', at[2])} end
return {'done', 0}
