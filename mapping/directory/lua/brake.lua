-- Fragment: the brake. It counts the different people whom calls take something from, in a window that slides: what they
-- take is 'access' or 'role', each counted by itself.

-- What the window holds: how many people, how many may be in it, and how many had access at its start. That is as of the
-- first of them; nobody in it: as of now.
local function d_window(p, takes, now, percent, least, window)
  local counted, since = p..':bw:'..takes, '('..d_num(now - window)
  local first = call('ZRANGEBYSCORE', counted, since, '+inf', 'LIMIT', '0', '1')[1]
  local base = tonumber(first and call('HGET', p..':bb:'..takes, first) or call('SCARD', p..':acc'))
  return call('ZCOUNT', counted, since, '+inf'), math.max(least, math.floor(base * percent / 100)), base
end

-- Whether one more call may go out: somebody who is in the window is not counted twice.
local function d_passes(p, takes, id, now, window, people, allowed)
  if people < allowed then return true end
  local at = call('ZSCORE', p..':bw:'..takes, id)
  return at and tonumber(at) > now - window
end

-- Counts a person, and forgets who has left the window.
local function d_count(p, takes, id, now, window, base)
  local counted, bases = p..':bw:'..takes, p..':bb:'..takes
  local gone = call('ZRANGEBYSCORE', counted, '-inf', d_num(now - window), 'LIMIT', '0', '500')
  for _, old in ipairs(gone) do
    call('ZREM', counted, old)
    call('HDEL', bases, old)
  end
  call('ZADD', counted, d_num(now), id)
  call('HSET', bases, id, d_num(base))
  -- What has left the window is known by its time. The keys outlive it, so that another clock than theirs may run slower.
  call('PEXPIRE', counted, d_num(window + 3600000))
  call('PEXPIRE', bases, d_num(window + 3600000))
end
