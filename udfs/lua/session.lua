-- Sessions that expire: after `idle` seconds without a touch, and at the latest `lifetime` seconds
-- after the login. udfs/rust/session does the same as a WebAssembly component.
--
-- The record's own expiry (TTL) does the removing. The caller gives the time, in seconds: a call
-- that is repeated then has the same outcome, and a test can choose the time.
--
-- Bins: `user`, `started`, `seen`, `idle`, `lifetime`.

-- The longest expiry that a record can have: ten years.
local LONGEST = 315360000

-- Starts a session, or starts it anew; returns the seconds that it has.
function login(rec, user, now, idle, lifetime)
  if math.min(idle, lifetime) < 1 or math.max(idle, lifetime) > LONGEST then
    error("idle and lifetime: expected 1 to " .. LONGEST .. " seconds")
  end
  rec.user = user
  rec.started = now
  rec.seen = now
  rec.idle = idle
  rec.lifetime = lifetime
  local left = math.min(idle, lifetime)
  record.set_ttl(rec, left)
  if aerospike:exists(rec) then
    aerospike:update(rec)
  else
    aerospike:create(rec)
  end
  return left
end

-- Keeps a session alive; returns the seconds that it has, 0 when it is over.
function touch(rec, now)
  if not aerospike:exists(rec) then
    return 0
  end
  local left = math.min(rec.idle, rec.started + rec.lifetime - now)
  -- The host removes expired records now and then; until it does, the bins tell.
  if left <= 0 or now - rec.seen >= rec.idle then
    aerospike:remove(rec)
    return 0
  end
  rec.seen = now
  record.set_ttl(rec, left)
  aerospike:update(rec)
  return left
end

-- Ends a session; tells whether there was one.
function logout(rec)
  local there = aerospike:exists(rec)
  if there then
    aerospike:remove(rec)
  end
  return there
end
