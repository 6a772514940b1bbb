-- A time series rolled up as it comes: each value goes into a bucket of its minute, of its hour and
-- of its day, and the oldest buckets leave. udfs/rust/rollup does the same as a WebAssembly component.
--
-- Bins: `newest` (the latest time seen, in seconds), `minute`, `hour`, `day` (maps, start of the
-- bucket in seconds to `[count, sum, least, greatest]`).

local levels = {
  { bin = "minute", width = 60, keep = 60 },
  { bin = "hour", width = 3600, keep = 48 },
  { bin = "day", width = 86400, keep = 90 },
}

-- The start of the oldest bucket that a level keeps.
local function oldest(level, newest)
  return newest - newest % level.width - (level.keep - 1) * level.width
end

local function add_to(level, buckets, newest, time, value)
  local first = oldest(level, newest)
  local gone = {}
  for start in map.keys(buckets) do
    if start < first then
      gone[#gone + 1] = start
    end
  end
  for _, start in ipairs(gone) do
    map.remove(buckets, start)
  end
  local start = time - time % level.width
  if start < first then
    return
  end
  local b = buckets[start]
  if b then
    b = list { b[1] + 1, b[2] + value, math.min(b[3], value), math.max(b[4], value) }
  else
    b = list { 1, value, value, value }
  end
  buckets[start] = b
end

-- Adds a value of a time in seconds. A value that is too late for a level is left out of it.
function add(rec, time, value)
  if math.type(time) ~= "integer" or math.type(value) ~= "integer" then
    error("time and value: expected integer")
  end
  local newest = math.max(rec.newest or time, time)
  rec.newest = newest
  for _, level in ipairs(levels) do
    local buckets = rec[level.bin] or map()
    add_to(level, buckets, newest, time, value)
    rec[level.bin] = buckets
  end
  if aerospike:exists(rec) then
    aerospike:update(rec)
  else
    aerospike:create(rec)
  end
end

-- The buckets of a level ("minute", "hour" or "day") from one time to another, both included, as a
-- list of `[start, count, sum, least, greatest]` in the order of time.
function series(rec, name, from, to)
  for _, level in ipairs(levels) do
    if level.bin == name then
      local points = list()
      local newest = rec.newest
      if not newest then
        return points
      end
      local buckets = rec[name]
      from = math.max(from - from % level.width, oldest(level, newest))
      for start = from, math.min(to, newest), level.width do
        local b = buckets[start]
        if b then
          list.append(points, list { start, b[1], b[2], b[3], b[4] })
        end
      end
      return points
    end
  end
  error("level: expected minute, hour or day")
end
