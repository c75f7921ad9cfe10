"""What Redis does in one atomic step: a Lua script for each step of the protocol.

Each reads and checks first and writes last, so that none can fail halfway: Redis refuses a script that it may not write
(a full memory, a replica, a disk that fails) at its first write. What was refused gives back nil or a word, what was
written anything else. Rows and records are opaque text here: a script compares, and decodes no number but small ones,
because Lua's are doubles.

A row is a hash: `v` its version; `body` its text as of the last swap; `base`, `open`, `begun`, `tail` and `called` what
stands beside it (`ledgers/row_parts.py`); `queued` how many operations wait; `state` calm, busy or, while it is held,
frozen; `key` and `gen` its receipt key and generation; `known` the keys that it knows; `rest` what else an idle row
has. An owed operation is a field `o:<id>`: empty while it waits, else the id of the attempt that carries it, and it is
owed no more when another attempt is open. `p:<place>` is the last position that the row owes of a place (R13).
"""

from __future__ import annotations

import hashlib
from functools import cached_property

import msgspec

from handler.core.model.codec import FIRST_FORMAT, ROW_FORMAT


class Script(msgspec.Struct, frozen=True, dict=True):
    """A script, which the server knows by its SHA-1 once it has run it."""

    text: str

    @cached_property
    def sha(self) -> str:
        """Its name on the server."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


# Another instance may have raised the generation, or begun or ended a pause: where one server holds everything, no
# attempt is opened and no row written by an instance that does not know of it (R10).
_STALE = """
local function stale(key, known)
  if known == '' then return false end
  local now = redis.call('HMGET', key, 'number', 'paused')
  return (now[1] or '') .. (now[2] and ' paused' or '') ~= known
end
"""

# A row of a format that this version does not know belongs to a later one, and is left as it is (R17). Its text begins
# with the format.
_KNOWN_FORMAT = f"""
local function is_known(body)
  return body and string.find(body, '^{{"format":[{FIRST_FORMAT}-{ROW_FORMAT}],')
end
"""

# Whether a group is in the list of the unfinished (u), of the held (h), or of both.
_LIST = """
local function list(set, group, lists, letter)
  if string.find(lists, letter, 1, true) then
    redis.call('ZADD', set, 0, group)
  else
    redis.call('ZREM', set, group)
  end
end
"""

# A position is passed that is not beyond the mark of its place, the last one that the row owes of it (`p:<place>`), or,
# in a row of before, what it says itself (`marks`: `<place>:<number>,` one after the other). Places have 16 characters
# and numbers 64 digits, which compare like their texts. `keep` raises a mark, and what the row owed until there is owed
# no more.
_MARKS = """
local function reached(row, marks, key, place)
  local settled = redis.call('GET', key) or ''
  local owed = redis.call('HGET', row, 'p:' .. place) or ''
  local at = string.find(marks, place .. ':', 1, true)
  local old = at and string.sub(marks, at + 17, at + 80) or ''
  if owed > settled then settled = owed end
  return old > settled and old or settled
end
local function keep(key, last, life)
  if (redis.call('GET', key) or '') < last then redis.call('SET', key, last, 'PX', life) end
end
"""

# What a row knows has its members in the set of its bucket (redis_rows.known_range). `both` reads what it has known and
# what it knows from now on, where they differ, and `know` writes the difference down.
_KNOW = """
local function both(was, known)
  if known == '' or was == known then return {}, {} end
  return cjson.decode(was), cjson.decode(known)
end
local function know(set, group, was, known)
  local function member(pair) return #pair[1] .. ':' .. pair[1] .. ':' .. group .. '\\n' .. pair[2] end
  for _, pair in ipairs(was) do redis.call('ZREM', set, member(pair)) end
  for _, pair in ipairs(known) do redis.call('ZADD', set, 0, member(pair)) end
end
"""

# KEYS: row, unfinished, generation, records, marks. ARGV: group, attempt, its text, receipt key, generation of the row,
# known generation, the least and the greatest base, the range of stamps that are too young (R16), the new stamp or 0,
# how many records, ids, then place, first and last number of each mark. A base may be longer than a double is exact,
# but the bounds are powers of two, and those of a Decrease and of a Set are exact.
BEGIN = Script(
    _STALE
    + _KNOWN_FORMAT
    + _MARKS
    + """
local row = redis.call('HMGET', KEYS[1], 'v', 'open', 'queued', 'state', 'key', 'gen', 'base', 'rest', 'marks', 'known',
  'called', 'body')
if stale(KEYS[3], ARGV[6]) then return 'stale' end
if not is_known(row[12]) then return false end
if not row[1] or row[2] or row[3] ~= '0' or row[4] ~= 'calm' or row[5] ~= ARGV[4] or row[6] ~= ARGV[5] then
  return false
end
local base = row[7] and tonumber(row[7])
if not base or base < tonumber(ARGV[7]) or base > tonumber(ARGV[8]) then return false end
local called, young = tonumber(row[11] or '0'), ARGV[11] ~= '0'
if young and called > tonumber(ARGV[9]) and called <= tonumber(ARGV[10]) then return false end
local ids, marks = tonumber(ARGV[12]), row[9] or ''
if marks ~= '' or redis.call('EXISTS', unpack(KEYS, 4, 3 + ids)) > 0 then return false end
local fields = {'open', ARGV[2], 'begun', ARGV[3]}
if young or called ~= 0 then
  fields[5] = 'called'
  fields[6] = ARGV[11]
end
for i = 4 + ids, #KEYS do
  local at = 3 * i - 2 * ids + 1
  if ARGV[at + 1] <= reached(KEYS[1], marks, KEYS[i], ARGV[at]) then return false end
  fields[#fields + 1] = 'p:' .. ARGV[at]
  fields[#fields + 1] = ARGV[at + 2]
end
for i = 13, 12 + ids do
  fields[#fields + 1] = 'o:' .. ARGV[i]
  fields[#fields + 1] = ARGV[2]
end
redis.call('HSET', KEYS[1], unpack(fields))
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return {redis.call('HINCRBY', KEYS[1], 'v', 1), row[7], row[8], row[10]}
"""
)

# KEYS: row, unfinished, held, records, marks. ARGV: group, greatest size, how many records, then id, text, place, first
# and last number of each operation, then the place of each mark. What an operation adds to a row's text beside its own,
# its place in the queue and a number for each key, is 8 bytes for each list in it, of which it is itself one.
# Where a mark stands amid the numbers of an operation, `within` says how far it has come, and nothing is appended.
APPEND = Script(
    _KNOWN_FORMAT
    + _MARKS
    + """
local row = redis.call('HMGET', KEYS[1], 'v', 'open', 'state', 'tail', 'queued', 'marks', 'body')
if not row[1] or not is_known(row[7]) then return false end
local count = tonumber(ARGV[3])
local reach, last = {}, {}
for i = 4 + count, #KEYS do
  local place = ARGV[4 * count + i]
  reach[place] = reached(KEYS[1], row[6] or '', KEYS[i], place)
end
local records, texts, fields, passed, within = {}, {row[4] or ''}, {}, {}, {}
for i = 1, count do
  local id, text, place, first, number = unpack(ARGV, 5 * i - 1, 5 * i + 3)
  local record = redis.call('GET', KEYS[3 + i])
  local owed = redis.call('HGET', KEYS[1], 'o:' .. id)
  if not record and owed ~= '' and (not owed or owed ~= row[2]) then
    if place ~= '' and number <= reach[place] then
      passed[#passed + 1] = id
    elseif place ~= '' and first <= reach[place] then
      within[#within + 1] = place
      within[#within + 1] = reach[place]
    else
      if place ~= '' and number > (last[place] or '') then last[place] = number end
      texts[#texts + 1] = text .. '\\n'
      fields[#fields + 1] = 'o:' .. id
      fields[#fields + 1] = ''
    end
  end
  records[#records + 1] = record
end
if #fields > 0 and #within == 0 then
  local tail = table.concat(texts)
  local _, lists = string.gsub(tail, '%[', '')
  local size = #tail + 8 * lists + redis.call('HSTRLEN', KEYS[1], 'body') + redis.call('HSTRLEN', KEYS[1], 'begun')
  if size > tonumber(ARGV[2]) then return 'full' end
  for place, number in pairs(last) do
    fields[#fields + 1] = 'p:' .. place
    fields[#fields + 1] = number
  end
  redis.call('HSET', KEYS[1], 'tail', tail, 'queued', row[5] + #texts - 1, unpack(fields))
  redis.call('HINCRBY', KEYS[1], 'v', 1)
  redis.call('ZADD', row[3] == 'frozen' and KEYS[3] or KEYS[2], 0, ARGV[1])
end
local stored = redis.call('HMGET', KEYS[1], 'v', 'body', 'base', 'open', 'begun', 'tail', 'marks', 'known', 'called')
return {stored, records, #within == 0 and passed or {}, within}
"""
)

# KEYS: row, unfinished, held, generation, known, records, marks. ARGV: group, stored version or nothing, known
# generation, the row's lists, the keys it knows, how many records, the life of a mark in milliseconds, text and life of
# each record, the last position of each mark, then the fields of the row.
SWAP = Script(
    _STALE
    + _LIST
    + _KNOW
    + _MARKS
    + """
local row = redis.call('HMGET', KEYS[1], 'v', 'known')
if (row[1] or '') ~= ARGV[2] then return false end
if stale(KEYS[4], ARGV[3]) then return 'stale' end
local was, known = both(row[2] or '[]', ARGV[5])
local count = tonumber(ARGV[6])
for i = 1, count do
  redis.call('SET', KEYS[5 + i], ARGV[6 + 2 * i], 'PX', ARGV[7 + 2 * i], 'NX')
end
for i = 6 + count, #KEYS do
  keep(KEYS[i], ARGV[2 + count + i], ARGV[7])
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'known', ARGV[5], unpack(ARGV, 3 + count + #KEYS))
know(KEYS[5], ARGV[1], was, known)
list(KEYS[2], ARGV[1], ARGV[4], 'u')
list(KEYS[3], ARGV[1], ARGV[4], 'h')
return 1
"""
)

# KEYS: row, unfinished, held, generation, records, marks. ARGV: group, known generation, the row's lists, the keys that
# it knows, how many records, the first position at each mark, then the row's fields.
CREATE = Script(
    _STALE
    + _LIST
    + """
local records = tonumber(ARGV[5])
if redis.call('EXISTS', KEYS[1], unpack(KEYS, 5, 4 + records)) > 0 then return false end
for i = 5 + records, #KEYS do
  if ARGV[1 + i - records] <= (redis.call('GET', KEYS[i]) or '') then return false end
end
if stale(KEYS[4], ARGV[2]) then return 'stale' end
redis.call('HSET', KEYS[1], 'known', ARGV[4], unpack(ARGV, 2 + #KEYS - records))
list(KEYS[2], ARGV[1], ARGV[3], 'u')
list(KEYS[3], ARGV[1], ARGV[3], 'h')
return 1
"""
)

# KEYS: row, records. ARGV: text and life of each record in milliseconds.
REFUSE = Script(
    """
if redis.call('EXISTS', unpack(KEYS)) > 0 then return false end
for i = 2, #KEYS do
  redis.call('SET', KEYS[i], ARGV[2 * i - 3], 'PX', ARGV[2 * i - 2])
end
return 1
"""
)

# KEYS: row, unfinished, held, known. ARGV: group, version.
DELETE = Script(
    _KNOW
    + """
local row = redis.call('HMGET', KEYS[1], 'v', 'known')
if row[1] ~= ARGV[2] then return false end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
know(KEYS[4], ARGV[1], cjson.decode(row[2] or '[]'), {})
return 1
"""
)

# KEYS: row, unfinished, known, records, marks. ARGV: group, attempt, base, new base, the keys that the row knows from
# now on or nothing, how many records, the life of a mark in milliseconds, text and life of each record, place and last
# position of each mark, then the ids of all that the attempt carried.
SETTLE = Script(
    _KNOW
    + _MARKS
    + """
local row = redis.call('HMGET', KEYS[1], 'open', 'base', 'queued', 'state', 'known')
if not row[1] or row[1] ~= ARGV[2] or row[2] ~= ARGV[3] then return false end
local was, known = both(row[5] or '[]', ARGV[5])
local count, gone = tonumber(ARGV[6]), {'open', 'begun'}
for i = 1, count do
  redis.call('SET', KEYS[3 + i], ARGV[6 + 2 * i], 'PX', ARGV[7 + 2 * i], 'NX')
end
for i = 4 + count, #KEYS do
  local place, last = unpack(ARGV, 2 * i, 2 * i + 1)
  keep(KEYS[i], last, ARGV[7])
  if (redis.call('HGET', KEYS[1], 'p:' .. place) or '') <= last then gone[#gone + 1] = 'p:' .. place end
end
for i = 2 * #KEYS + 2, #ARGV do
  gone[#gone + 1] = 'o:' .. ARGV[i]
end
redis.call('HDEL', KEYS[1], unpack(gone))
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'known', ARGV[5]) end
know(KEYS[3], ARGV[1], was, known)
redis.call('HSET', KEYS[1], 'base', ARGV[4])
redis.call('HINCRBY', KEYS[1], 'v', 1)
if row[3] == '0' and row[4] == 'calm' then redis.call('ZREM', KEYS[2], ARGV[1]) end
return 1
"""
)
