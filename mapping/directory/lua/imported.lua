-- Notes the end of an import.
-- KEYS: 1 base of the project   ARGV: 1 number of the picture, 2 ms when it was begun, 3 people in it
-- Returns 1.
local p = KEYS[1]
call('HSET', p..':meta', 'import', ARGV[2], 'people', ARGV[3])
if tonumber(ARGV[1]) > tonumber(call('HGET', p..':meta', 'lookpic') or '0') then call('DEL', p..':q:look') end
return 1
