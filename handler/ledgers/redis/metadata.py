"""What Redis does in one step with the facts beside the rows: schedules, the generation, and the notes of windows."""

from __future__ import annotations

from handler.ledgers.redis.scripts import Script

# What the hash of the generation tells of it, as the scripts here give it back.
GENERATION_FIELDS = "number", "started", "paused"

# KEYS: until when a schedule is lent out, what holds it. ARGV: how long the calls last, the greatest wait and the
# longest lease, in seconds. All go by the server's time; an end that is too far was written before that was set back.
LEASE = Script(
    """
if redis.call('EXISTS', KEYS[2]) == 1 then return false end
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local begins = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local ahead_max = tonumber(ARGV[2])
if begins - now > ahead_max + tonumber(ARGV[3]) then
  begins = now + ahead_max
elseif begins - now > ahead_max then
  return false
end
local next_at = begins + tonumber(ARGV[1])
local life_ms = string.format('%.0f', (next_at - now) * 1000 + 60000)
redis.call('SET', KEYS[1], string.format('%.6f', next_at), 'PX', life_ms)
return string.format('%.6f', begins - now)
"""
)

# KEYS: what holds a schedule. ARGV: for how many milliseconds; none let it go.
HOLD = Script(
    """
if ARGV[1] == '0' then return redis.call('DEL', KEYS[1]) end
return redis.call('SET', KEYS[1], '', 'PX', ARGV[1])
"""
)

# KEYS: generation. ARGV: which servers these are, or nothing where they do not tell. Others may have forgotten what was
# acknowledged; however many instances register them, the generation is raised once (R10). When it started is for a
# worker to say that hears the API's time: the server's own may be any (R12).
REGISTER = Script(
    """
local known = redis.call('HMGET', KEYS[1], 'number', 'started', 'servers')
if not known[1] then
  redis.call('HSET', KEYS[1], 'number', 1, 'started', 0, 'servers', ARGV[1])
elseif ARGV[1] ~= '' and known[3] ~= ARGV[1] then
  redis.call('HSET', KEYS[1], 'number', known[1] + 1, 'started', 0, 'servers', ARGV[1])
end
return redis.call('HMGET', KEYS[1], 'number', 'started', 'paused')
"""
)

# KEYS: generation.
RAISE = Script(
    """
local number = (redis.call('HGET', KEYS[1], 'number') or 1) + 1
redis.call('HSET', KEYS[1], 'number', number, 'started', 0)
return redis.call('HMGET', KEYS[1], 'number', 'started', 'paused')
"""
)

# KEYS: generation. ARGV: its number and start as they are known, and when it started.
START = Script(
    """
local stored = redis.call('HMGET', KEYS[1], 'number', 'started')
if tonumber(stored[1]) == tonumber(ARGV[1]) and tonumber(stored[2]) == tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'started', ARGV[3])
end
return redis.call('HMGET', KEYS[1], 'number', 'started', 'paused')
"""
)

# KEYS: generation. ARGV: the pause of every group as text, or nothing.
PAUSE = Script(
    """
redis.call('HSETNX', KEYS[1], 'number', 1)
redis.call('HSETNX', KEYS[1], 'started', 0)
if ARGV[1] == '' then
  redis.call('HDEL', KEYS[1], 'paused')
else
  redis.call('HSET', KEYS[1], 'paused', ARGV[1])
end
return redis.call('HMGET', KEYS[1], 'number', 'started', 'paused')
"""
)

# KEYS: notes of windows. ARGV: their text, and the one that it replaces, or nothing.
NOTE_WINDOWS = Script(
    """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[2] then return false end
redis.call('SET', KEYS[1], ARGV[1])
return 1
"""
)
