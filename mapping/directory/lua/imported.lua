-- Notes the end of an import.
-- KEYS: 1 base of the project
-- ARGV: 1 number of the picture, 2 ms when it was begun, 3 people in it, 4 fingerprint of it, 5 mark of the last write before it
-- Returns 1.
local p, meta = KEYS[1], KEYS[1]..':meta'
local o = call('HMGET', meta, 'look', 'importmark', 'changed', 'lookpic')
if not o[3] or o[1] ~= ARGV[4] or o[2] ~= ARGV[5] then call('HSET', meta, 'changed', ARGV[2]) end
call('HSET', meta, 'import', ARGV[2], 'people', ARGV[3], 'look', ARGV[4], 'importmark', ARGV[5])
if tonumber(ARGV[1]) > tonumber(o[4] or '0') then call('DEL', p..':q:look') end
return 1
