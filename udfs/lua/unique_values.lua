-- Unique values: which ones were seen, and how often. udfs/rust/unique_values does the same as a
-- WebAssembly component.
--
-- Values are integers and strings: what every client can have as the key of a map.
--
-- Bins: `seen` (map, value to count).

-- Adds a list of values; returns how many of them were new. A call after which there would be more
-- than `limit` fails and adds nothing.
function add(rec, values, limit)
  local seen = rec.seen or map()
  local new = 0
  -- Not `list.iterator`: it would end at a nil without a word.
  for i = 1, list.size(values) do
    local value = values[i]
    if math.type(value) ~= "integer" and type(value) ~= "string" then
      error("value: expected integer or string")
    end
    local count = seen[value]
    if not count then
      new = new + 1
    end
    seen[value] = (count or 0) + 1
  end
  if map.size(seen) > limit then
    error("more than " .. limit .. " unique values")
  end
  rec.seen = seen
  if aerospike:exists(rec) then
    aerospike:update(rec)
  else
    aerospike:create(rec)
  end
  return new
end

-- How many unique values there are.
function count(rec)
  return map.size(rec.seen or map())
end

-- How often a value was seen.
function times(rec, value)
  local seen = rec.seen
  return seen and seen[value] or 0
end
