-- The functions that the guide's examples call. udfs/rust/my_module does the same as a
-- WebAssembly component.

-- Tags the record and counts the visit: bins `tag1` and `tag2` take the arguments, the
-- integer bin `visits` (0 when absent) goes up by one. Returns the new count.
function transform_record(rec, a, b)
  rec.tag1 = a
  rec.tag2 = b
  local visits = (rec.visits or 0) + 1
  rec.visits = visits
  aerospike:update(rec)
  return visits
end

-- Returns bin `score` (0 when absent) times `factor`. Writes nothing.
function get_computed_value(rec, factor)
  return (rec.score or 0) * factor
end

-- Marks the record as processed and returns a map of its `name`, `tier` and `visits`
-- (0 when absent); bins that are absent are left out. Returns nil for a missing record.
function process_record(rec)
  if not aerospike:exists(rec) then
    return nil
  end
  rec.processed = true
  aerospike:update(rec)
  return map { name = rec.name, tier = rec.tier, visits = rec.visits or 0 }
end
