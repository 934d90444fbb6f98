-- Lets as many invitations pass a stop as there are free seats.
-- KEYS: 1 base of the project, 2 the stop of invitations
-- ARGV: 1 how many
-- Returns 1, or 0 when there is no stop any more
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('HSET', KEYS[2], 'free', ARGV[1])
return 1
