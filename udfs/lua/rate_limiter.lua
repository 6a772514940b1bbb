-- A rate limiter: a bucket of `burst` tokens that fills with `rate` tokens a second. A record is the
-- bucket of one client. udfs/rust/rate_limiter does the same as a WebAssembly component.
--
-- Tokens are counted in thousandths, so that a bucket gains `rate` of them a millisecond, exactly.
-- The caller gives the time, in milliseconds; one that goes backwards counts as standing still.
--
-- Bins: `tokens` (thousandths), `at` (the time of that count). A full bucket needs no record: the
-- record expires when it would be full, and a minute later, for clocks that differ.

local function check(name, value, least, most)
  if math.type(value) ~= "integer" or value < least or value > most then
    error(name .. ": expected integer from " .. least .. " to " .. most)
  end
end

-- The thousandths in the bucket, and the time of the count.
local function fill(rec, now, rate, burst)
  check("now", now, 0, 1000000000000000)
  check("rate", rate, 1, 1000000)
  check("burst", burst, 1, 1000000)
  local full = burst * 1000
  if not rec.tokens then
    return full, now
  end
  local tokens, at = math.min(rec.tokens, full), rec.at
  if now <= at then
    return tokens, at
  end
  -- Compared by division: the product may be too large.
  if (full - tokens) // rate < now - at then
    return full, now
  end
  return tokens + (now - at) * rate, now
end

-- Takes `cost` tokens. Returns 0 when they were there, else the milliseconds after which they will
-- be; -1 when the bucket never holds so many.
function take(rec, now, cost, rate, burst)
  local tokens, at = fill(rec, now, rate, burst)
  check("cost", cost, 0, 1000000)
  if cost > burst then
    return -1
  end
  local left = tokens - cost * 1000
  if left < 0 then
    return (-left + rate - 1) // rate
  end
  rec.tokens = left
  rec.at = at
  record.set_ttl(rec, (burst * 1000 - left) // (rate * 1000) + 60)
  if aerospike:exists(rec) then
    aerospike:update(rec)
  else
    aerospike:create(rec)
  end
  return 0
end

-- How many whole tokens the bucket has.
function available(rec, now, rate, burst)
  local tokens = fill(rec, now, rate, burst)
  return tokens // 1000
end
