-- The top k of a query: the largest values of a bin, and whose they are. udfs/rust/top_k does the same
-- as a WebAssembly component.
--
-- Records come in no order that can be relied on, and in shares whose results are reduced. So equal
-- values are ordered by their label: the result is the same however the records were shared out.

local function is_ahead(a, b)
  if a[1] ~= b[1] then
    return a[1] > b[1]
  end
  return a[2] < b[2]
end

-- Puts an entry in its place in a list of at most k, best first.
local function insert(best, entry, k)
  local at = list.size(best) + 1
  while at > 1 and is_ahead(entry, best[at - 1]) do
    at = at - 1
  end
  if at <= k then
    list.insert(best, at, entry)
    list.trim(best, k + 1)
  end
end

-- A list of `[value, label]`, the largest value first, of at most k records. Records without an
-- integer in `bin` or a string in `label` are passed over.
function top(stream, bin, label, k)
  local function has_both(rec)
    return math.type(rec[bin]) == "integer" and type(rec[label]) == "string"
  end
  local function add(best, rec)
    insert(best, list { rec[bin], rec[label] }, k)
    return best
  end
  local function merge(best, others)
    for entry in list.iterator(others) do
      insert(best, entry, k)
    end
    return best
  end
  return stream : filter(has_both) : aggregate(list(), add) : reduce(merge)
end
